"""The ladder of sizes, its sheet, and `engram image`."""

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from engram.cli.app import app
from engram.images.ladder import contact_sheet, ladder
from engram.images.pictures import encode
from engram.images.samples import sample


def run(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return result.stdout


def fail(code: int, *words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == code, result.output
    assert result.stderr.count("\n") == 1
    return result.stderr


@pytest.fixture
def picture(tmp_path):
    Image.fromarray(sample("landscape", 64, colour=True)).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_higher_rungs_are_never_worse() -> None:
    image = sample("shapes", 64)
    seen = []
    rungs = ladder(image, (900, 5, 60, 120, 500, 61, 60), progress=seen.append)
    assert seen == rungs
    assert [rung.most for rung in rungs] == [5, 60, 61, 120, 500, 900]
    assert rungs[0].entries == ()
    own = [rung.entry("engram") for rung in rungs[1:]]
    assert [entry.psnr for entry in own] == sorted(entry.psnr for entry in own)
    assert all(entry.nbytes <= rung.most for rung in rungs for entry in rung.entries)
    assert {entry.coder for entry in rungs[-1].entries} == {"engram", "jpeg", "webp"}
    sheet = contact_sheet(image, rungs)
    assert sheet.width > 6 * 64
    found = np.asarray(sheet)
    left = 8 + 98 * 6
    np.testing.assert_array_equal(found[38:102, left : left + 64, 0], own[-1].pixels)


def test_a_rung_takes_the_smaller_picture_along_where_that_is_better(monkeypatch) -> None:
    def unlucky(image, nbytes):
        return encode(image, 60 if nbytes == 500 else nbytes)

    monkeypatch.setattr("engram.images.ladder.encode", unlucky)
    own = [rung.entry("engram") for rung in ladder(sample("shapes", 48), (120, 500))]
    assert own[0].nbytes == own[1].nbytes > 60
    assert own[0].psnr == own[1].psnr


def test_a_picture_goes_into_a_file_and_back(picture, tmp_path) -> None:
    file, back = tmp_path / "a.egp", tmp_path / "b.png"
    told = json.loads(run("image", "put", picture, file, "--bytes", 200, "--json"))
    assert told["bytes"] == file.stat().st_size <= 200
    assert (told["height"], told["width"]) == (64, 64)
    assert "64 x 64 from" in run("image", "get", file, back)
    image, regrown = (np.asarray(Image.open(name)) for name in (picture, back))
    error = np.mean((image.astype(float) - regrown) ** 2)
    assert told["psnr"] == pytest.approx(10 * np.log10(255**2 / error))
    assert "exists" in fail(5, "image", "get", file, back)
    grey = run("image", "put", picture, file, "-b", 100, "--grey", "--force")
    assert "for 4.10 kB" in grey
    run("image", "get", file, back, "--force")
    assert np.asarray(Image.open(back)).shape == (64, 64)


def test_the_ladder_is_a_table_and_a_sheet(picture, tmp_path) -> None:
    sheet = tmp_path / "sheet.png"
    words = ("image", "ladder", picture, "--sizes", "52,700", "--sheet", sheet)
    printed = run(*words)
    assert "PSNR" in printed or "dB" in printed
    assert sheet.exists()
    told = json.loads(run(*words, "--force", "--json"))
    assert [rung["bytes"] for rung in told["rungs"]] == [52, 700]
    assert set(told["rungs"][0]) == {"bytes", "engram"}
    assert told["rungs"][1]["jpeg"]["bytes"] <= 700


def test_wrong_use_is_told_in_one_line(picture, tmp_path) -> None:
    text = tmp_path / "text"
    text.write_text("hello")
    out = tmp_path / "out.egp"
    assert "that Pillow reads" in fail(2, "image", "put", text, out, "-b", 100)
    assert "No such file" in fail(5, "image", "put", tmp_path / "none", out, "-b", 100)
    assert "the least takes" in fail(3, "image", "put", picture, out, "-b", 3)
    assert "sample must be one of" in fail(2, "image", "put", "sample:cat", out, "-b", 100)
    assert "must be a picture" in fail(2, "image", "get", text, tmp_path / "x.png")
    assert "--sizes must be an integer" in fail(2, "image", "ladder", picture, "--sizes", "a")
    run("image", "put", picture, out, "-b", 100)
    assert "must end as" in fail(2, "image", "get", out, tmp_path / "x.txt")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "out.egp", "text"]
