"""One process writes, others read, and nobody else gets in between."""

import subprocess
from pathlib import Path

import pytest

import engram
from tests.durability.content import fill, made, python


def test_a_second_writer_is_refused(tmp_path) -> None:
    with engram.open(tmp_path / "memory") as memory:
        with pytest.raises(engram.StoreBusy):
            engram.open(tmp_path / "memory")
        code = "import sys, engram; engram.open(sys.argv[1])"
        child = python(code, tmp_path / "memory", stderr=-1)
        _, errors = child.communicate()
        assert child.returncode == 1
        assert b"StoreBusy" in errors
        memory[0] = 1
    with engram.open(tmp_path / "memory") as memory:
        assert memory[0] == 1


def test_readers_follow_a_writer_in_another_process(tmp_path) -> None:
    code = """
import sys, engram
with engram.open(sys.argv[1], seed=5) as memory:
    for line in sys.stdin:
        memory.write(int(line), [int(line)] * 300)
        if int(line) % 3000 == 0:
            memory.spaces("a")[int(line)] = 1
            memory.compact()
        memory.flush()
        print("done", flush=True)
"""
    child = python(code, tmp_path / "memory", stdin=subprocess.PIPE)
    assert child.stdin is not None
    assert child.stdout is not None
    reader = None
    for number in range(0, 12_000, 1000):
        child.stdin.write(b"%d\n" % number)
        child.stdin.flush()
        assert child.stdout.readline() == b"done\n"
        if reader is None:
            reader = engram.open(tmp_path / "memory", read_only=True)
        reader.refresh()
        assert reader.written_words == 300 * (number // 1000 + 1)
        assert reader.read(number, 300).tolist() == [number] * 300
        assert reader.spaces("a").written_words == number // 3000 + 1
    assert reader is not None
    child.stdin.close()
    assert child.wait() == 0
    child.stdout.close()
    reader.refresh()
    assert reader.written_words == 3600
    reader.close()


def test_a_reader_cannot_change_anything(tmp_path) -> None:
    with engram.open(tmp_path / "memory", seed=5) as memory:
        fill(memory)
        memory.spaces("a")[0] = 1
    with engram.open(tmp_path / "memory", read_only=True) as reader:
        for space in (reader, reader.spaces("a")):
            for change in (
                lambda space=space: space.write(0, 1),
                lambda space=space: space.write(0, [1, 2]),
                lambda space=space: space.write([0], 1),
                lambda space=space: space.__setitem__(0, 1),
                lambda space=space: space.erase(1000),
                lambda space=space: space.erase([1000]),
                lambda space=space: space.erase(0, 2**64),
            ):
                with pytest.raises(engram.ReadOnly, match="opened for reading only"):
                    change()
        with pytest.raises(engram.ReadOnly):
            reader.compact()
        with pytest.raises(engram.NotFound, match="no space is named 'b'"):
            reader.spaces("b")
        reader.flush()
        assert reader.written_words > 1000
    with pytest.raises(engram.NotFound):
        engram.open(tmp_path / "nothing", read_only=True)
    assert not (tmp_path / "nothing").exists()


def test_refresh_is_for_readers(tmp_path) -> None:
    for memory in (engram.open(), engram.open(tmp_path / "memory")):
        with memory, pytest.raises(ValueError, match="refresh must be called on a memory opened"):
            memory.refresh()


def test_compact_is_for_directories() -> None:
    with (
        engram.open() as memory,
        pytest.raises(ValueError, match="compact must be called on a memory with a path"),
    ):
        memory.compact()


def test_a_directory_that_cannot_be_written_can_be_read(tmp_path) -> None:
    place = made(tmp_path / "memory")
    before = {file.name: file.read_bytes() for file in place.iterdir() if file.name != "lock.mdb"}
    user = 65534
    code = """
import os, sys
import engram
engram.open(device="cpu")[0]  # imports what another user might not reach
if os.getuid() == 0:
    os.setgid(int(sys.argv[2]))
    os.setuid(int(sys.argv[2]))
with engram.open(sys.argv[1], read_only=True) as memory:
    print(memory[0], memory.written_words)
try:
    engram.open(sys.argv[1])
except engram.ReadOnly:
    print("refused")
"""
    for file in place.iterdir():
        file.chmod(0o444)
    place.chmod(0o555)
    for parent in place.parents:  # pytest's own directories are closed to other users
        if parent != Path("/tmp") and parent.is_relative_to("/tmp"):
            parent.chmod(parent.stat().st_mode | 0o055)
    child = python(code, place, user, stderr=-1)
    output, errors = child.communicate()
    assert output.split() == [b"1", b"1", b"refused"], errors.decode()
    place.chmod(0o755)
    after = {file.name: file.read_bytes() for file in place.iterdir() if file.name != "lock.mdb"}
    assert after == before


def test_a_forked_child_may_not_use_the_memory(tmp_path) -> None:
    code = """
import os, sys, engram
memory = engram.open(sys.argv[1])
memory[0] = 1
memory.flush()
pid = os.fork()
if pid == 0:
    try:
        memory[1] = 2
        memory.flush()
    except RuntimeError as error:
        os._exit(7)
    os._exit(1)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
memory[2] = 3
memory.close()
"""
    child = python(code, tmp_path / "memory")
    child.communicate()
    assert child.returncode == 0
    with engram.open(tmp_path / "memory") as memory:
        assert memory.written_words == 2
