"""engram fill: files, pipes, and what is left after a failure."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import engram
from engram.arch.elements import ELEMENTS
from engram.cli import filling
from engram.cli.app import app

COMMAND = [sys.executable, "-m", "engram.cli"]


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "_CHUNK_WORDS", 1000)


@pytest.mark.parametrize("dtype", list(ELEMENTS))
@pytest.mark.parametrize("words", [0, 1, 1000, 3501])
def test_a_filled_file_equals_a_read(run_json, tmp_path, dtype, words) -> None:
    with engram.open(seed=5) as memory:
        expected = memory.read(10**15, words, dtype=dtype)
    npy, raw = tmp_path / "words.npy", tmp_path / "words.bin"
    found = run_json("fill", "10**15", words, npy, "--seed", 5, "-t", dtype)
    assert (found["format"], found["bytes"], found["count"]) == ("npy", 8 * words, words)
    loaded = np.load(npy)
    assert loaded.dtype == expected.dtype
    assert np.array_equal(loaded, expected)
    assert run_json("fill", "10**15", words, raw, "--seed", 5, "-t", dtype)["format"] == "raw"
    assert raw.read_bytes() == expected.tobytes()
    assert sorted(tmp_path.iterdir()) == [raw, npy]


def test_the_format_can_be_chosen(run, tmp_path) -> None:
    run("fill", 0, 10, tmp_path / "a.npy", "--format", "raw")
    assert (tmp_path / "a.npy").stat().st_size == 80
    run("fill", 0, 10, tmp_path / "b.bin", "-f", "npy")
    assert np.array_equal(np.load(tmp_path / "b.bin"), np.fromfile(tmp_path / "a.npy", "<u8"))


def test_written_words_are_filled_in(run, place, tmp_path) -> None:
    run("write", 1500, 7, "-d", place)
    run("fill", 0, 2000, tmp_path / "w.npy", "-d", place)
    assert np.load(tmp_path / "w.npy")[1500] == 7


def test_stdout_carries_the_bytes_and_nothing_else() -> None:
    for extra in ([], ["--json"]):
        done = subprocess.run(
            [*COMMAND, "fill", "2**64-5", "5", "-", *extra], capture_output=True, check=True
        )
        with engram.open() as memory:
            assert done.stdout == memory.read(2**64 - 5, 5).tobytes()
        assert done.stderr.count(b"\n") == 1
    assert json.loads(done.stderr)["count"] == 5


def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    process = subprocess.Popen(
        [*COMMAND, "fill", "0", "2**64-1", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert len(process.stdout.read(100)) == 100
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 141


def test_a_file_that_exists_is_replaced_only_by_force(run, fail, tmp_path) -> None:
    file = tmp_path / "words.bin"
    file.write_bytes(b"precious")
    assert fail(5, "fill", 0, 3, file) == f"{file}: the file exists; --force replaces it"
    assert file.read_bytes() == b"precious"
    run("fill", 0, 3, file, "--force")
    assert file.stat().st_size == 24


def test_a_failure_leaves_nothing_behind_and_the_old_file_alone(tmp_path, monkeypatch) -> None:
    file = tmp_path / "words.npy"
    file.write_bytes(b"precious")
    read = engram.Memory.read
    calls = []

    def interrupted(self, *arguments, **options):
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return read(self, *arguments, **options)

    monkeypatch.setattr(engram.Memory, "read", interrupted)
    result = CliRunner().invoke(app, ["fill", "0", "5000", str(file), "--force"])
    assert len(calls) == 3
    assert result.exit_code == 130
    assert result.stderr == "engram: interrupted\n"
    assert list(tmp_path.iterdir()) == [file]
    assert file.read_bytes() == b"precious"


def test_an_interrupt_from_outside_leaves_nothing_behind(tmp_path) -> None:
    file = tmp_path / "words.bin"
    process = subprocess.Popen(
        [*COMMAND, "fill", "0", "10**11", str(file)], stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    deadline = time.monotonic() + 60
    while not any(partial.stat().st_size for partial in tmp_path.iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.stderr.read() == b"engram: interrupted\n"
    process.stderr.close()
    assert process.wait() == 130
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
def test_a_full_disk_is_told_in_one_line(fail) -> None:
    assert fail(5, "fill", 0, 100, "/dev/full") == "/dev/full: no space left on the device"


def test_a_file_too_large_is_told_and_removed(tmp_path) -> None:
    code = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20));"
        "from engram.cli.entry import main; main()"
    )
    file = tmp_path / "words.bin"
    done = subprocess.run(
        [sys.executable, "-c", code, "fill", "0", "10**7", str(file)], capture_output=True,
        text=True, check=False,
    )
    assert done.returncode == 5
    assert done.stderr == f"engram: {file}: File too large\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["foo", "1"], "ADDRESS must be an integer"),
        (["0", "many"], "COUNT must be an integer"),
        (["0", "2**64+1"], "count must be in 0..2**64"),
        (["2**64-1", "2"], "a range must end at or before 2**64"),
        (["0", "1", "--dtype", "f16"], "dtype must be one of"),
        (["0", "1", "--format", "csv"], "'csv' is not one of 'npy', 'raw'"),
    ],
)
def test_wrong_input_touches_no_file(fail, tmp_path, arguments, line) -> None:
    file = tmp_path / "words.bin"
    assert line in fail(2, "fill", *arguments[:2], file, *arguments[2:])
    assert list(tmp_path.iterdir()) == []


def test_outputs_that_cannot_be_are_refused(fail, tmp_path) -> None:
    assert "must be a file, not the directory" in fail(2, "fill", 0, 1, tmp_path)
    line = fail(5, "fill", 0, 1, tmp_path / "no" / "where.bin")
    assert line == f"{tmp_path / 'no' / 'where.bin'}: No such file or directory"


def test_a_named_pipe_is_written_as_it_is(run, tmp_path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE)
    assert reader.stdout is not None
    run("fill", 0, 2500, pipe)
    with engram.open() as memory:
        assert reader.stdout.read() == memory.read(0, 2500).tobytes()
    reader.stdout.close()
    reader.wait()
    assert pipe.is_fifo()
