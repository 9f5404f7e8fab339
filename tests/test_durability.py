"""What survives: reopening, kill -9, full disks and damaged files, through ``engram.open``."""

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import engram

ROOT = Path(__file__).parents[1]
ODD = 0x9E3779B97F4A7C15
LAST = 2**64 - 1


def python(code: str, *arguments: object, **options) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'host'}{os.pathsep}{ROOT}"},
        stdout=subprocess.PIPE,
        **options,
    )


def fill(memory: engram.Memory) -> dict[int, int]:
    """Write a bit of everything; return what is held."""
    memory.write(1000, np.arange(2000))
    memory.write(50, [1, 2, 3])
    memory[LAST] = 9
    memory[LAST - 1] = LAST
    memory.write([7, 2**40, 7], [1, 2, 3])
    memory.erase(1500, 300)
    memory.erase([51, 2**50])
    held = {1000 + i: i for i in range(2000) if not 500 <= i < 800}
    return held | {50: 1, 52: 3, LAST: 9, LAST - 1: LAST, 7: 3, 2**40: 2}


def holds(memory: engram.Memory, held: dict[int, int]) -> None:
    assert memory.written_words == len(held)
    assert memory.read(list(held)).tolist() == list(held.values())
    with engram.open(seed=memory.seed, law=memory.law.number) as fresh:
        assert memory.read(1500, 300).tolist() == fresh.read(1500, 300).tolist()


@pytest.mark.parametrize("durability", ["flush", "return"])
def test_a_memory_is_found_again_as_it_was_left(device, tmp_path, durability) -> None:
    place = tmp_path / "deep" / "memory"
    settings = {"device": device, "durability": durability}
    with engram.open(place, seed=5, law=4, **settings) as memory:
        held = fill(memory)
        memory.spaces("a", quota=10).write(LAST - 3, [1, 2, 3, 4])
        holds(memory, held)
    for _ in range(3):
        with engram.open(place, **settings) as memory:
            holds(memory, held)
            assert (memory.seed, memory.law.number) == (5, 4)
            assert memory.space_names() == ["a"]
            space = memory.spaces("a")
            assert space.read(LAST - 3, 4).tolist() == [1, 2, 3, 4]
            assert (space.quota, space.written_words) == (10, 4)
            with pytest.raises(engram.QuotaExceeded):
                space.write(0, range(7))
            memory.compact()


def test_a_flush_makes_durable_what_was_written_before_it(tmp_path) -> None:
    with engram.open(tmp_path / "memory", seed=5) as memory:
        memory.write(0, [1, 2, 3])
        memory[9] = 4
        memory.flush()
        memory.write(0, [7])
        memory[9] = 8
        with engram.open(tmp_path / "memory", read_only=True) as reader:
            assert reader.read(0, 3).tolist() == [1, 2, 3]
            assert reader[9] == 4


def test_a_write_at_return_is_durable_when_it_returns(tmp_path) -> None:
    with (
        engram.open(tmp_path / "memory", durability="return") as memory,
        engram.open(tmp_path / "memory", read_only=True) as reader,
    ):
        for change, expected in (
            (lambda: memory.write(0, [1, 2, 3]), [1, 2, 3]),
            (lambda: memory.__setitem__(1, 9), [1, 9, 3]),
            (lambda: memory.write([2, 0], 5), [5, 9, 5]),
        ):
            change()
            reader.refresh()
            assert reader.read(0, 3).tolist() == expected
        assert memory.erase(1) == 1
        reader.refresh()
        assert reader.written_words == 2


def test_values_may_be_changed_after_a_write_that_waits(tmp_path) -> None:
    values, addresses = np.arange(10, dtype=np.uint64), np.arange(90, 100, dtype=np.uint64)
    with engram.open(tmp_path / "memory") as memory:
        memory.write(0, values)
        memory.write(addresses, values)
        memory.write(addresses[:2], 77)
        memory.erase(addresses[5:])
        values[:] = 0
        addresses[:] = 0
    with engram.open(tmp_path / "memory") as memory:
        assert memory.read(0, 10).tolist() == list(range(10))
        assert memory.read(90, 5).tolist() == [77, 77, 2, 3, 4]
        assert memory.written_words == 15


def test_single_words_and_others_keep_their_order(tmp_path) -> None:
    with engram.open(tmp_path / "memory") as memory:
        memory[1] = 1
        memory.erase(1)
        memory[2] = 1
        memory.write(2, [2])
        memory[3] = 1
        memory.write([3], [2])
        memory.write(4, [1, 1])
        memory[5] = 2
        memory.erase([2])
        memory[2] = 3
    with engram.open(tmp_path / "memory") as memory:
        assert memory.read(2, 4).tolist() == [3, 2, 1, 2]
        assert not memory.is_written(1)


def test_words_of_several_spaces_keep_their_order(tmp_path) -> None:
    with engram.open(tmp_path / "memory") as memory:
        a, b = memory.spaces("a"), memory.spaces("b")
        for i in range(50):
            a[5] = i
            b[5] = 100 + i
            if i % 7 == 0:
                memory.erase(5)
            memory[5] = 200 + i
            if i % 10 == 9:
                a.write(5, [i, i])
    with engram.open(tmp_path / "memory") as memory:
        a, b = memory.spaces("a"), memory.spaces("b")
        assert [a[5], a[6], b[5], memory[5]] == [49, 49, 149, 249]


# A child writes numbered, sealed records in three spaces; it acknowledges each once durable.
WRITER = """
import os, sys
import numpy as np
import engram

place, durability, start, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
memory = engram.open(place, seed=5, durability=durability)
spaces = [memory, memory.spaces("a"), memory.spaces("b")]
os.write(1, b"ready\\n")
number = start
while True:
    space = spaces[number % 3]
    values = np.full(1 + number * 37 % 700, number, np.uint64)
    base = number * 2048
    if number % 4 == 0:
        space[base] = number
        values = values[:1]
    elif number % 4 == 1:
        space.write(np.arange(base, base + 2 * len(values), 2), values)
    else:
        space.write(base, values)
    if number >= 39:
        space.erase((number - 39) * 2048, 2048)
    if durability == "flush":
        memory.flush()
    os.write(1, b"%d\\n" % number)
    if number % 29 == seed % 29:
        memory.compact()
    number += 1
"""


def spans(number: int) -> tuple[int, int, int]:
    """Return base, count and step of a record."""
    count = 1 + number * 37 % 700
    return number * 2048, 1 if number % 4 == 0 else count, 2 if number % 4 == 1 else 1


def check_killed(place: Path, acknowledged: int) -> None:
    """Check every record; the next writer begins again with the one that was in flight."""
    with engram.open(place) as memory:
        spaces = [memory, memory.spaces("a"), memory.spaces("b")]
        last = acknowledged
        # The one in flight may be there, whole, or not at all.
        base, count, step = spans(acknowledged + 1)
        in_flight = spaces[(acknowledged + 1) % 3].is_written(base + step * np.arange(count))
        assert in_flight.all() or not in_flight.any()
        last += int(in_flight.all())
        total = 0
        for number in range(max(0, last - 60), last + 1):
            base, count, step = spans(number)
            space = spaces[number % 3]
            written = space.is_written(base + step * np.arange(count))
            erased_by = number + 39
            if erased_by <= acknowledged:
                assert not written.any()
            elif erased_by == last:  # its erasure may have been in flight
                assert written.all() or not written.any()
            else:
                assert written.all()
                assert (space.read(base + step * np.arange(count)) == number).all()
            total += int(written.sum())
        assert sum(space.written_words for space in spaces) == total


def kill_rounds(tmp_path: Path, rounds: int, seed: int) -> None:
    moments = random.Random(seed)
    for durability in ("flush", "return"):
        place = tmp_path / durability
        acknowledged = -1
        for turn in range(rounds // 2):
            child = python(WRITER, place, durability, acknowledged + 1, seed + turn)
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            time.sleep(moments.random() * 0.15)
            os.kill(child.pid, signal.SIGKILL)
            lines = child.stdout.read().split(b"\n")[:-1]
            child.stdout.close()
            assert child.wait() == -signal.SIGKILL
            if lines:
                acknowledged = int(lines[-1])
            check_killed(place, acknowledged)
        assert acknowledged > rounds // 2


def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path) -> None:
    kill_rounds(tmp_path, 20, seed=1)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_writer_killed_many_times_loses_nothing_it_acknowledged(tmp_path) -> None:
    kill_rounds(tmp_path, 200, seed=2)


def words_of(number: int, count: int) -> np.ndarray:
    return (np.arange(count, dtype=np.uint64) + np.uint64(number << 32)) * np.uint64(ODD)


def fill_up(memory: engram.Memory, count: int) -> int:
    """Write records until there is no room; return how many were durable."""
    for number in range(10_000):
        try:
            memory.write(number << 24, words_of(number, count))
            memory.flush()
        except engram.StoreFull:
            return number
    raise AssertionError("never full")


@pytest.mark.parametrize("durability", ["flush", "return"])
def test_a_full_store_keeps_what_it_has_and_goes_on(tmp_path, durability) -> None:
    place, count = tmp_path / "memory", 20_000
    settings = {"store_bytes": 4 << 20, "durability": durability}
    with engram.open(place, **settings) as memory:
        number = fill_up(memory, count)
        assert number > 5
        for i in range(number):
            assert (memory.read(i << 24, count) == words_of(i, count)).all()
        if durability == "return":
            assert not memory.is_written(number << 24)
            memory[1 << 23] = 4
        else:
            # It is written, and waits for room; the flush says so as often as it is asked.
            assert memory.is_written(number << 24)
            with pytest.raises(engram.StoreFull):
                memory.flush()
            with pytest.raises(engram.StoreFull):
                memory.close()
            assert (memory.read(number << 24, count) == words_of(number, count)).all()
            with engram.open(place, read_only=True) as reader:
                assert reader.written_words == number * count
            memory.erase(number << 24, count)  # the waiting words stay in the queue all the same
            with pytest.raises(engram.StoreFull):
                memory.flush()
            memory._ledger._waiting.clear()  # give them up, or closing could not succeed
    with engram.open(place, store_bytes=16 << 20) as memory:
        for i in range(number):
            assert (memory.read(i << 24, count) == words_of(i, count)).all()
        assert memory.written_words == number * count + (durability == "return")
        memory.write(number << 24, words_of(number, count))


def test_a_memory_is_usable_after_a_compaction_found_no_room(tmp_path) -> None:
    with engram.open(tmp_path / "memory", store_bytes=16 << 20) as memory:
        for number in range(15):
            memory.write(number << 24, words_of(number, 80_000))
            memory.flush()
        with pytest.raises(engram.StoreFull) as kept:  # whose traceback reaches into the memory
            memory.compact()
        assert kept.value
        memory[5] = 1
        memory.flush()
        assert memory.erase(0, 2**24) == 80_000
        assert memory[5] != 1
    with engram.open(tmp_path / "memory") as memory:
        assert memory.written_words == 14 * 80_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(disk)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill_disk(ballast: Path) -> None:
    """Let a file take all the room there is."""

    def grow() -> None:
        with open(ballast, "wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    with pytest.raises(OSError, match="No space left") as full:
        grow()
    assert full.value.errno == errno.ENOSPC


def test_a_full_disk_keeps_what_it_has_and_frees_up_again(small_disk) -> None:
    with engram.open(small_disk / "memory") as memory:
        ballast = small_disk / "ballast"
        memory.write(0, words_of(0, 1000))
        memory.flush()
        fill_disk(ballast)
        memory.write(1 << 24, words_of(1, 50_000))
        for _ in range(2):
            with pytest.raises(engram.StoreFull):
                memory.flush()
        assert (memory.read(1 << 24, 50_000) == words_of(1, 50_000)).all()
        ballast.unlink()
        memory.flush()
    with engram.open(small_disk / "memory") as memory:
        assert (memory.read(0, 1000) == words_of(0, 1000)).all()
        assert (memory.read(1 << 24, 50_000) == words_of(1, 50_000)).all()


def test_a_memory_cannot_be_made_on_a_full_disk(small_disk) -> None:
    fill_disk(small_disk / "ballast")
    with pytest.raises(engram.StoreFull):
        engram.open(small_disk / "memory")
    (small_disk / "ballast").unlink()
    with engram.open(small_disk / "memory") as memory:
        memory[5] = 1


def damage_rounds(tmp_path: Path, files: list[str], seed: int, rounds: int) -> int:
    """Damage copies of a memory; return how often that was noticed, all else being right."""
    original = tmp_path / "original"
    with engram.open(original, seed=5) as memory:
        held = fill(memory)
        memory.spaces("a", quota=9)[3] = 4
        memory.compact()
        memory[1] = 2  # something in the journal, too
        held[1] = 2
        memory.flush()
        copy = tmp_path / "copy"
        shutil.copytree(original, copy)  # as a crash would leave it
    draw = random.Random(seed)
    noticed = 0
    for _ in range(rounds):
        place = tmp_path / "damaged"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(copy, place)
        file = place / draw.choice(files)
        content = bytearray(file.read_bytes())
        used = len(content.rstrip(b"\0"))
        if draw.random() < 0.3:
            del content[draw.randrange(used) :]
        else:
            for _ in range(draw.choice([1, 1, 8])):
                content[draw.randrange(used)] ^= 1 << draw.randrange(8)
        file.write_bytes(content)
        try:
            with engram.open(place) as memory:
                found = {int(a): memory[int(a)] for a in held}
                assert memory.seed == 5
                # The last commit may look torn, and then it was never acknowledged.
                assert found == held or (
                    file.name == "journal" and {**found, 1: 2} == held and not memory.is_written(1)
                )
                assert memory.written_words == len(held) - (found != held)
                assert memory.spaces("a")[3] == 4
                assert memory.spaces("a").quota == 9
        except (engram.StoreCorrupt, engram.VersionMismatch):
            noticed += 1
    return noticed


def test_damaged_files_are_noticed_or_harmless(tmp_path) -> None:
    names = {file.name for file in _made(tmp_path / "sample").iterdir()}
    assert {"journal"} < names
    data = sorted(names - {"journal", "lock.mdb", "writer.lock"})
    assert len(data) == 1
    assert damage_rounds(tmp_path / "data", data, 1, 40) > 10
    damage_rounds(tmp_path / "journal", ["journal"], 2, 40)


def _made(place: Path) -> Path:
    with engram.open(place) as memory:
        memory[0] = 1
    return place


def test_a_missing_or_foreign_data_file_is_no_memory(tmp_path) -> None:
    place = _made(tmp_path / "memory")
    (data,) = [f for f in place.iterdir() if f.name not in ("journal", "lock.mdb", "writer.lock")]
    content = data.read_bytes()
    for wrong in (b"", b"hello" * 1000, content[:100], bytes(len(content))):
        data.write_bytes(wrong)
        with pytest.raises(engram.StoreCorrupt):
            engram.open(place)
        with pytest.raises(engram.StoreCorrupt):
            engram.open(place, read_only=True)
    data.unlink()
    with pytest.raises(engram.StoreCorrupt):
        engram.open(place)


def test_a_directory_of_something_else_is_refused_and_left_alone(tmp_path) -> None:
    (tmp_path / "letter.txt").write_text("dear reader")
    with pytest.raises(ValueError, match=r"path must be a memory directory, not .*letter"):
        engram.open(tmp_path)
    with pytest.raises(ValueError, match="path must be a memory directory, not "):
        engram.open(tmp_path / "letter.txt")
    with pytest.raises(ValueError, match="path must be a memory directory, not "):
        engram.open(tmp_path / "letter.txt" / "inside")
    assert [file.name for file in tmp_path.iterdir()] == ["letter.txt"]


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
    place = _made(tmp_path / "memory")
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


def test_the_directorys_seed_and_law_are_taken_or_insisted_on(device, tmp_path) -> None:
    with engram.open(tmp_path / "memory", seed=2**64 - 1, law="splitmix", device=device) as memory:
        word = memory[7]
    for settings in ({}, {"seed": 2**64 - 1}, {"law": 3}, {"law": "splitmix", "seed": 2**64 - 1}):
        with engram.open(tmp_path / "memory", device=device, **settings) as memory:
            assert (memory.seed, memory.law.number, memory[7]) == (2**64 - 1, 3, word)
    for settings, what in (
        ({"seed": 0}, "seed 0"),
        ({"law": 1}, "law 1"),
        ({"law": "vrns16"}, "law 2"),
        ({"seed": 1, "law": 3}, "seed 1"),
        ({"seed": 1, "read_only": True}, "seed 1"),
    ):
        with pytest.raises(engram.VersionMismatch, match=f"created with seed .* not with {what}"):
            engram.open(tmp_path / "memory", device=device, **settings)
    with engram.open(tmp_path / "memory", device=device):  # a refusal leaves no lock behind
        pass


def test_a_law_of_the_future_is_refused(tmp_path, monkeypatch) -> None:
    _made(tmp_path / "memory")
    monkeypatch.setattr("engram.memory.LAWS", {})
    with pytest.raises(engram.VersionMismatch, match="law 1, which this version lacks"):
        engram.open(tmp_path / "memory")
    monkeypatch.undo()
    engram.open(tmp_path / "memory").close()


@pytest.mark.parametrize("durability", ["flush", "return"])
@pytest.mark.parametrize("kind", ["words", "runs", "singles"])
def test_the_log_stays_bounded_by_itself(tmp_path, monkeypatch, durability, kind) -> None:
    monkeypatch.setattr("engram.ledger._SLACK_WORDS", 5000)
    with engram.open(tmp_path / "memory", durability=durability) as memory:
        most = 0
        for turn in range(60):
            if kind == "words":
                memory.write(range(0, 3000, 3), turn)
            elif kind == "runs":
                memory.write(0, np.full(1000, turn))
            else:
                for i in range(1000 if durability == "flush" else 3):
                    memory[i] = turn
                if durability == "return":
                    memory.write(0, np.full(1000, turn))
            memory.flush()
            most = max(most, memory.report().log_words)
        assert memory.written_words == 1000
        assert most <= 2 * 1000 + 5000 + 2 * 1003
    with engram.open(tmp_path / "memory") as memory:
        assert memory.written_words == 1000
        assert memory[0] == 59


def test_an_unasked_compaction_without_room_is_no_error(tmp_path, monkeypatch, caplog) -> None:
    """The flush did what it should; the log is only longer than it could be."""
    monkeypatch.setattr("engram.ledger._SLACK_WORDS", 0)
    with engram.open(tmp_path / "memory") as memory:
        memory.write(0, np.arange(1000))
        memory.flush()

        def full(records: object) -> None:
            raise engram.StoreFull("no room")

        monkeypatch.setattr(memory._store, "compact", full)
        for turn in range(5):
            memory.write(0, np.full(1000, turn))
            memory.flush()
        monkeypatch.undo()
    assert "the log could not be compacted: no room" in caplog.text
    with engram.open(tmp_path / "memory") as memory:
        assert memory.read(0, 1000).tolist() == [4] * 1000


def test_compaction_gives_space_back(tmp_path) -> None:
    with engram.open(tmp_path / "memory") as memory:
        for number in range(20):
            memory.write(0, words_of(number, 100_000))
            memory.flush()
        memory.erase(1000, 99_000)
        before = memory.report()
        memory.compact()
        after = memory.report()
        assert before.log_words == 20 * 100_000 + 1 or before.log_words == 20 * 100_000
        assert after.log_words == memory.written_words == 1000
        assert after.disk_bytes < before.disk_bytes / 2
    with engram.open(tmp_path / "memory") as memory:
        assert (memory.read(0, 1000) == words_of(19, 1000)).all()


def test_many_waiting_words_are_flushed_unasked(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("engram.ledger._WAITING_WORDS", 1000)
    with engram.open(tmp_path / "memory") as memory:
        memory.write(0, np.arange(1001))
        with engram.open(tmp_path / "memory", read_only=True) as reader:
            assert reader.written_words == 1001
            for i in range(1001):
                memory[5000 + i] = i
            reader.refresh()
            assert reader.written_words == 2002


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
