"""engram remember, recall, patterns, forget and consolidate."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import engram
from engram.cli.app import app

WIDTH = 24
ROWS = np.random.default_rng(0).standard_normal((30, WIDTH))


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGRAM_PRESET", "loihi-fit")


@pytest.fixture
def one(tmp_path: Path) -> Path:
    np.save(tmp_path / "one.npy", ROWS[0].astype(np.float32))
    return tmp_path / "one.npy"


@pytest.fixture
def rows(tmp_path: Path) -> tuple[Path, Path]:
    """A file of rows and a file of their ids."""
    np.save(tmp_path / "rows.npy", ROWS)
    (tmp_path / "ids.txt").write_text("".join(f"note {i}\n" for i in range(30)))
    return tmp_path / "rows.npy", tmp_path / "ids.txt"


@pytest.fixture
def filled(run, rows, place) -> Path:
    run("remember", place, "--vector", rows[0], "--ids", rows[1], "--metadata", '{"page": 3}')
    return place


def test_one_pattern_is_remembered_and_recalled(run, run_json, one, place) -> None:
    told = run_json(
        "remember", place, "a", "--vector", one, "--importance", "0.75", "--metadata", '{"ü": [1]}'
    )
    assert told.pop("seconds") > 0
    assert told == {
        "remembered": 1, "patterns": 1, "width": WIDTH, "preset": "loihi-fit", "path": str(place),
    }  # fmt: skip
    (answer,) = run_json("recall", place, "--vector", one)["recalled"]
    assert [found["id"] for found in answer] == ["a"]
    assert answer[0]["similarity"] > 0.999
    assert (answer[0]["importance"], answer[0]["metadata"]) == (0.75, {"ü": [1]})
    printed = run("recall", place, "--vector", one)
    assert '{"ü": [1]}' in printed
    assert "confidence" in printed
    assert "remembered 1 pattern in" in run("remember", place, "a", "--vector", one)


def test_many_are_remembered_from_two_files(run, run_json, filled, rows) -> None:
    cues = np.vstack([ROWS[7], ROWS[3]])
    np.save(rows[0], cues)
    found = run_json("recall", filled, "--vector", rows[0], "-k", 2)["recalled"]
    assert [answer[0]["id"] for answer in found] == ["note 7", "note 3"]
    assert [len(answer) for answer in found] == [2, 2]
    close = run_json("recall", filled, "--vector", rows[0], "-k", 30, "--threshold", "0.99")
    assert [len(answer) for answer in close["recalled"]] == [1, 1]
    np.save(rows[0], -cues)
    assert run("recall", filled, "--vector", rows[0], "-t", "1") == "nothing recalled\n"


def test_vectors_may_come_through_a_pipe(place) -> None:
    buffer = io.BytesIO()
    np.save(buffer, ROWS[0])
    for data in (buffer.getvalue(), json.dumps(ROWS[0].tolist()).encode()):
        for command in (["remember", str(place), "a"], ["recall", str(place)]):
            result = CliRunner().invoke(app, command, input=data)
            assert result.exit_code == 0, result.output
        assert "a" in result.stdout


def test_patterns_are_listed(run, run_json, filled) -> None:
    listed = run_json("patterns", filled)
    assert [pattern["id"] for pattern in listed["patterns"]] == [f"note {i}" for i in range(30)]
    assert listed["patterns"][0]["metadata"] == {"page": 3}
    assert (listed["width"], listed["preset"]) == (WIDTH, "loihi-fit")
    printed = run("patterns", filled)
    assert f"30 of {WIDTH} dimensions, preset loihi-fit" in printed
    assert "associations on" in run("report", filled)
    assert run_json("report", filled)["associations"]["patterns"] == 30


def test_a_directory_without_patterns_lists_none(run, place) -> None:
    engram.open(place).close()
    assert run("patterns", place) == "no patterns\n"


def test_patterns_are_forgotten(run, run_json, fail, filled) -> None:
    assert run_json("forget", filled, "note 3", "note 4", "note 3") == {
        "forgotten": 2, "patterns": 28, "path": str(filled),
    }  # fmt: skip
    assert fail(3, "forget", filled, "note 5", "note 3") == "no pattern has the id 'note 3'"
    assert run("forget", filled, "note 5").startswith("forgot 1 pattern; ")
    assert len(run_json("patterns", filled)["patterns"]) == 27


def test_consolidation_keeps_as_many_as_asked(run, run_json, filled) -> None:
    done = run_json("consolidate", filled, "--epochs", 2, "--keep", 20)
    assert (done["epochs"], done["remaining"], len(done["pruned"])) == (2, 20, 10)
    assert "20 remain" in run("consolidate", filled)
    assert len(run_json("patterns", filled)["patterns"]) == 20


def test_wrong_use_is_told_in_one_line(fail, one, rows, place, tmp_path) -> None:
    text = tmp_path / "text"
    text.write_text("hello")
    assert "either an ID or --ids" in fail(2, "remember", place, "--vector", one)
    assert "must hold 30 rows" in fail(2, "remember", place, "--vector", one, "--ids", rows[1])
    assert "must hold 1 rows" in fail(2, "remember", place, "a", "--vector", rows[0])
    assert "--vector must be a .npy" in fail(2, "remember", place, "a", "--vector", text)
    for wrong in ("[1]", "{", "text"):
        told = fail(2, "remember", place, "a", "--vector", one, "--metadata", wrong)
        assert told.startswith("--metadata must be a JSON object")
    np.save(tmp_path / "zero.npy", np.zeros(4))
    told = fail(2, "remember", place, "a", "--vector", tmp_path / "zero.npy")
    assert "must have a direction" in told
    assert "importance must be in 0..1" in fail(
        2, "remember", place, "a", "--vector", one, "--importance", "1.5"
    )
    assert "preset must be one of" in fail(
        2, "remember", place, "a", "--vector", one, "--preset", "best"
    )
    assert "No such file" in fail(5, "remember", place, "a", "--vector", tmp_path / "nowhere")


def test_objects_are_never_unpickled(fail, place, tmp_path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{}], object), allow_pickle=True)
    assert "--vector must be" in fail(
        2, "remember", place, "a", "--vector", tmp_path / "objects.npy"
    )


def test_a_missing_memory_is_told(fail, one, place) -> None:
    for command in (["recall", place, "--vector", one], ["patterns", place], ["forget", place, "a"],
                    ["consolidate", place]):  # fmt: skip
        assert fail(3, *command) == f"{place} holds no memory"
    assert not place.exists()


def test_another_width_or_preset_is_refused(fail, filled, one, tmp_path) -> None:
    np.save(tmp_path / "wide.npy", np.ones(WIDTH + 1))
    for command in (["remember", filled, "a"], ["recall", filled]):
        told = fail(2, *command, "--vector", tmp_path / "wide.npy")
        assert f"must have {WIDTH} dimensions, not {WIDTH + 1}" in told
    told = fail(4, "remember", filled, "a", "--vector", one, "--preset", "precise")
    assert "the patterns follow preset loihi-fit, not precise" in told
    assert "the patterns have" in fail(
        4, "remember", filled, "a", "--vector", one, "--width", WIDTH + 1
    )
