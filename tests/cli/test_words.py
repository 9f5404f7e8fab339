"""engram read, write and erase."""

import json
import os
import pty
import subprocess
import sys

import pytest

import engram
from engram.arch.elements import ELEMENTS


@pytest.mark.parametrize("dtype", list(ELEMENTS))
def test_read_prints_what_memory_reads(run, run_json, dtype) -> None:
    with engram.open(seed=9) as memory:
        expected = memory.read(2**64 - 4, 4, dtype=dtype)
    found = run_json("read", "2**64-4:", "--seed", 9, "--dtype", dtype)
    assert found["values"] == expected.tolist()
    assert found["address"] == 2**64 - 4
    assert found["count"] == 4
    assert found["lanes"] == ELEMENTS[dtype].lanes
    lines = run("read", "2**64-4", 4, "-s", "0x9", "-t", dtype).splitlines()
    assert [expected.dtype.type(line) for line in lines] == list(expected)


def test_a_law_and_an_empty_range_can_be_read(run, run_json) -> None:
    with engram.open(seed=9, law="vrns16") as memory:
        assert run("read", 5, "--seed", 9, "--law", "vrns16") == f"{memory[5]}\n"
        assert run("read", 5, "--seed", 9, "--law", 2) == f"{memory[5]}\n"
    assert run("read", "5:5") == ""
    assert run_json("read", 5, 0)["values"] == []


def test_words_on_a_terminal_come_as_a_table(tmp_path) -> None:
    with engram.open(tmp_path / "m", seed=0) as memory:
        memory[2**64 - 1] = 5
    main, terminal = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "engram.cli", "read", "2**64-2:", "-d", tmp_path / "m"],
            stdout=terminal,
            env={**os.environ, "COLUMNS": "80", "TERM": "dumb"},
        )
        assert process.wait() == 0
        printed = os.read(main, 1 << 16).decode()
    finally:
        os.close(main)
        os.close(terminal)
    rows = [line.split() for line in printed.splitlines() if line.strip().startswith("18446")]
    assert [row[-1] for row in rows] == ["generated", "written"]
    assert rows[1] == [str(2**64 - 1), "0x0000000000000005", "5", "written"]
    assert max(map(len, printed.splitlines())) <= 80


def test_what_is_written_is_read_until_it_is_erased(run, run_json, place) -> None:
    generated = run("read", 40, 6, "--seed", 3)
    made = run_json("write", 42, 7, "0xff", "2**64-1", "--dir", place, "--seed", 3)
    assert made == {"address": 42, "count": 3, "written_words": 3, "path": str(place)}
    read = run_json("read", 40, 6, "-d", place)
    assert read["values"][2:5] == [7, 255, 2**64 - 1]
    assert read["written"] == 3
    assert read["seed"] == 3
    assert run_json("erase", "43:2**20", "-d", place)["erased"] == 2
    assert run("erase", 42, "-d", place) == f"erased 1 word; {place} holds 0 words\n"
    assert run("read", 40, 6, "-d", place) == generated


def test_everything_is_erased_by_a_bare_colon(run, run_json, place) -> None:
    run("write", 0, 1, "-d", place)
    run("write", "2**64-1", 1, "-d", place)
    assert run_json("erase", ":", "-d", place)["erased"] == 2


def test_a_named_space_has_words_of_its_own(run, run_json, fail, place) -> None:
    run("write", 5, 6, "-d", place, "--space", "tenant")
    assert run("read", 5, "-d", place, "--space", "tenant") == "6\n"
    assert run_json("read", 5, "-d", place)["written"] == 0
    assert "no space is named 'nobody'" in fail(3, "read", 5, "-d", place, "--space", "nobody")
    with engram.open() as memory:
        assert run("read", 5, "--space", "a") == f"{memory.spaces('a')[5]}\n"


def test_reading_never_makes_a_directory(fail, place) -> None:
    for command in (("read", 5), ("fill", 0, 5, place.with_name("out")), ("erase", 5)):
        assert fail(3, *command, "--dir", place) == f"{place} holds no memory"
    assert not place.exists()
    assert not place.with_name("out").exists()


def test_settings_come_from_a_file_or_the_environment(run, tmp_path, monkeypatch) -> None:
    with engram.open(seed=77) as memory:
        expected = f"{memory[5]}\n"
    file = tmp_path / "settings.yaml"
    file.write_text("seed: 77\n")
    assert run("read", 5, "--config", file) == expected
    monkeypatch.setenv("ENGRAM_SEED", "77")
    assert run("read", 5) == expected
    assert run("read", 5, "--seed", 78) != expected


def test_a_reader_works_beside_a_writer(run, fail, place) -> None:
    with engram.open(place) as memory:
        memory[1] = 2
        memory.flush()
        assert run("read", 1, "-d", place) == "2\n"
        assert "is open for writing in process" in fail(5, "write", 1, 3, "-d", place)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["read", "foo"], "ADDRESS must be an integer such as"),
        (["read", "2**64"], "address must be in 0..2**64-1, not 18446744073709551616"),
        (["read", "-1"], "No such option: -1 (addresses and values are 0..2**64-1)"),
        (["read", "0-1"], "address must be in 0..2**64-1, not -1"),
        (["read", "2**64-1", "2"], "a range must end at or before 2**64"),
        (["read", "0", "x"], "COUNT must be an integer"),
        (["read", "0", "10**7"], "COUNT must be at most 1,048,576 for read, not 10,000,000"),
        (["read", "0", "--dtype", "f16"], "dtype must be one of uint64, float64"),
        (["read", "0", "--seed", "x"], "seed must be an integer"),
        (["read", "0", "--seed", "2**64"], "seed must be in 0..18446744073709551615"),
        (["read", "0", "--law", "9"], "law must be one of 1 (feistel6)"),
        (["read", "0", "--device", "abacus"], "device must be one of auto, cpu, golden"),
        (["read"], "Missing argument"),
        (["read", "0", "--nonsense"], "No such option: --nonsense"),
        (["nonsense"], "No such command 'nonsense'"),
        (["write", "0", "1"], "a directory must keep what is written: give --dir DIR"),
        (["erase", "0"], "a directory must keep what is written: give --dir DIR"),
        (["write", "0"], "Missing argument"),
    ],
)
def test_wrong_use_is_told_in_one_line(fail, arguments, line) -> None:
    assert line in fail(2, *arguments)


def test_wrong_values_and_directories_write_nothing(fail, place, tmp_path) -> None:
    assert "value" in fail(2, "write", 0, "2**64", "-d", place).lower()
    assert "VALUE must be an integer" in fail(2, "write", 0, 1, "two", "-d", place)
    file = tmp_path / "file"
    file.write_text("")
    assert "must be a memory directory, not the file" in fail(2, "read", 0, "-d", file)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.doc").write_text("")
    line = fail(2, "write", 0, 1, "-d", tmp_path / "full")
    assert "which holds 'thesis.doc'" in line
    assert list((tmp_path / "full").iterdir()) == [tmp_path / "full" / "thesis.doc"]


def test_another_seed_or_law_is_a_mismatch(run, fail, place) -> None:
    run("write", 0, 1, "-d", place, "--seed", 3)
    assert "was created with seed 3 and law 1, not with seed 4" in fail(
        4, "read", 0, "-d", place, "--seed", 4
    )
    assert "not with law 2" in fail(4, "write", 0, 1, "-d", place, "--law", 2)


def test_a_quota_and_a_read_only_setting_refuse(run, fail, place, monkeypatch) -> None:
    run("write", 0, 1, "-d", place)
    monkeypatch.setenv("ENGRAM_QUOTA", "2")
    assert "would pass its quota of 2" in fail(5, "write", 5, 1, 1, "-d", place)
    monkeypatch.delenv("ENGRAM_QUOTA")
    monkeypatch.setenv("ENGRAM_READ_ONLY", "true")
    assert "reading only" in fail(5, "write", 5, 1, "-d", place)


def test_a_bad_settings_file_is_told_in_one_line(fail, tmp_path) -> None:
    file = tmp_path / "settings.yaml"
    assert f"{file}: No such file" in fail(5, "read", 0, "-c", file)
    file.write_text("sead: 1\n")
    assert "settings in" in fail(2, "read", 0, "-c", file)
    file.write_text("{")
    assert "must be a YAML file" in fail(2, "read", 0, "-c", file)


def test_errors_are_json_beside_the_line(fail) -> None:
    from typer.testing import CliRunner

    from engram.cli.app import app

    result = CliRunner().invoke(app, ["read", "2**64", "--json"])
    assert json.loads(result.stdout)["error"]["type"] == "ValueError"
