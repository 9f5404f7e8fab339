"""engram demo: it runs, it is checked, and it says what fails."""

import json
import struct

import numpy as np
import pytest
from typer.testing import CliRunner

import engram
from engram.cli.app import app
from engram.cli.demo import journey, kills, writer
from engram.cli.demo.seal import ERASED_ROWS, SIDE, seal_mask

SMALL = ["demo", "--words", "200_000", "--kills", "2"]


def test_the_demo_runs_and_every_check_holds(tmp_path) -> None:
    place = tmp_path / "memory"
    result = CliRunner().invoke(
        app, [*SMALL, "--dir", str(place), "--out", str(tmp_path / "out"), "--json"]
    )
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert all(check["held"] for check in found["checks"])
    assert len(found["checks"]) > 20
    assert found["words"] == 200_000
    assert (found["lost"], found["torn"]) == (0, 0)
    assert found["found"] == found["acknowledged"] > 0
    with engram.open(seed=2026) as memory:
        assert found["checksum"] == int(np.bitwise_xor.reduce(memory.read(1 << 40, 200_000)))
    picture = (tmp_path / "out" / "engram-demo.png").read_bytes()
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", picture[16:24]) == (1920, 1200)
    with engram.open(place, read_only=True) as memory:
        assert memory.spaces(writer.SPACE).written_words >= 8 * found["acknowledged"]
    again = CliRunner().invoke(app, ["demo", "--dir", str(place)])
    assert again.exit_code == 2
    assert "--dir must hold no memory yet" in again.stderr


def test_a_check_that_fails_is_named(tmp_path, monkeypatch) -> None:
    right = journey.generate

    def wrong(law, seed, addresses):
        words = right(law, seed, addresses)
        if len(addresses) > 3 and addresses[0] == 1 << 40:
            words[5] ^= 1
        return words

    monkeypatch.setattr(journey, "generate", wrong)
    result = CliRunner().invoke(app, [*SMALL, "--out", str(tmp_path)])
    assert result.exit_code == 1
    assert result.stderr == (
        "engram: the demo failed: fill 200 k words: every word equals the one computed "
        "independently\n"
    )
    assert "failed: every word equals" in result.stdout
    assert "1 failed" in result.stdout


@pytest.mark.parametrize("damage", ["lost", "torn", "wrong"])
def test_a_kill_round_sees_what_is_missing(tmp_path, damage) -> None:
    place = str(tmp_path / "memory")
    with engram.open(place) as memory:
        space = memory.spaces(writer.SPACE)
        space.write(writer.FIRST, writer.run_words(0, 10).reshape(-1))
        at = writer.FIRST + 5 * writer.RUN_WORDS
        if damage == "lost":
            space.erase(at, writer.RUN_WORDS)
        elif damage == "torn":
            space.erase(at + 3)
        else:
            space.write(at + 3, 1)
    result = kills.KillRound(0.0)
    kills._look(place, 10, result)
    assert result.lost == 1
    assert result.torn == (damage != "lost")
    assert result.held == 9


def test_a_writer_that_never_starts_is_no_kill(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="must be a memory directory"):
        kills.kill_round(str(tmp_path / "file"), 0, 10.0)


def test_wrong_options_are_told_in_one_line(fail, tmp_path) -> None:
    assert "--words must be in 10**4..10**11, not '5'" in fail(2, "demo", "--words", 5)
    assert "Invalid value for '--kills'" in fail(2, "demo", "--kills", 0)
    assert "seed must be in 0..2**64-1" in fail(2, "demo", "--seed", "2**64")


def test_the_seal_is_a_picture_with_rows_to_cut() -> None:
    mask = seal_mask()
    assert mask.shape == (SIDE, SIDE)
    assert 0.1 < mask.mean() < 0.3
    assert all(mask[first:last].any() for first, last in ERASED_ROWS)
