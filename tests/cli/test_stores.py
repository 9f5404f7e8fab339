"""engram report, verify and compact."""

import json
import shutil

import numpy as np
from typer.testing import CliRunner

import engram
from engram.cli.app import app


def test_report_shows_what_is_held(run, run_json, place) -> None:
    with engram.open(place, seed=3) as memory:
        memory.write(0, np.arange(1000))
        memory.spaces("tenant", quota=50).write(0, np.arange(7))
    found = run_json("report", place)
    held = {space["name"]: space["written_words"] for space in found["spaces"]}
    assert held == {"": 1000, "tenant": 7}
    assert found["spaces"][0]["seed"] == 3
    assert found["spaces"][1]["quota"] == 50
    assert found["disk_bytes"] > 8000
    printed = run("report", place)
    assert "tenant" in printed
    assert "1,000" in printed
    assert "opened on cpu" in printed


def test_the_directory_can_come_from_the_environment(run_json, place, monkeypatch) -> None:
    engram.open(place, seed=3).close()
    monkeypatch.setenv("ENGRAM_PATH", str(place))
    assert run_json("verify")["seed"] == 3
    assert run_json("read", 0)["seed"] == 3


def test_a_sound_directory_verifies_even_while_it_is_written(run, run_json, place) -> None:
    with engram.open(place, seed=3) as memory:
        memory.write(0, np.arange(1000))
        memory.flush()
        found = run_json("verify", place)
        assert found["ok"]
        assert found["words"] == 1000
    assert "every byte in use verified" in run("verify", place)


def test_a_damaged_directory_does_not_verify_and_does_not_open(fail, place, tmp_path) -> None:
    with engram.open(place, seed=3) as memory:
        memory.write(0, np.arange(100_000) * 3)
    value = (3 * 50_000).to_bytes(8, "little")
    data = next(file for file in place.iterdir() if value in file.read_bytes())
    content = bytearray(data.read_bytes())
    content[content.find(value)] ^= 1
    damaged = tmp_path / "damaged"
    shutil.copytree(place, damaged)
    (damaged / data.name).write_bytes(content)

    result = CliRunner().invoke(app, ["verify", str(damaged)])
    assert result.exit_code == 4
    assert result.stderr == f"engram: {damaged}: 1 problem found\n"
    assert result.stdout.count("\n") == 1
    as_json = CliRunner().invoke(app, ["verify", str(damaged), "--json"])
    assert as_json.exit_code == 4
    told = json.loads(as_json.stdout)
    assert not told["ok"]
    assert told["problems"] == [result.stdout.rstrip("\n")]
    for command in (("read", 0, "-d", damaged), ("report", damaged), ("compact", damaged)):
        assert fail(4, *command)


def test_a_truncated_directory_is_corrupt(fail, place) -> None:
    with engram.open(place) as memory:
        memory.write(0, np.arange(100_000))
    data = place / "data.mdb"
    with data.open("r+b") as file:
        file.truncate(10_000)
    assert CliRunner().invoke(app, ["verify", str(place)]).exit_code == 4
    assert fail(4, "read", 0, "-d", place)


def test_compacting_gives_space_back_and_keeps_the_words(run, run_json, place) -> None:
    with engram.open(place) as memory:
        for _ in range(5):
            memory.write(0, np.arange(200_000))
            memory.flush()
    before = run("read", 0, 100, "-d", place)
    found = run_json("compact", place)
    assert found["bytes_after"] < found["bytes_before"] / 2
    assert found["log_words_after"] == 200_000
    assert run("read", 0, 100, "-d", place) == before
    assert "before" in run("compact", place)


def test_no_directory_is_told_in_one_line(fail, place) -> None:
    for command in ("report", "verify", "compact"):
        assert fail(3, command, place) == f"{place} holds no memory"
        assert "Missing argument" in fail(2, command)
    assert not place.exists()


def test_compacting_needs_to_be_the_only_writer(fail, place) -> None:
    with engram.open(place):
        assert "is open for writing in process" in fail(5, "compact", place)
