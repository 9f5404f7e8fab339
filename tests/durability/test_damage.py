"""Damaged, missing and foreign files are noticed, or make no difference."""

import random
import shutil
from pathlib import Path

import pytest

import engram
from tests.durability.content import fill, made


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
    names = {file.name for file in made(tmp_path / "sample").iterdir()}
    assert {"journal"} < names
    data = sorted(names - {"journal", "lock.mdb", "writer.lock"})
    assert len(data) == 1
    assert damage_rounds(tmp_path / "data", data, 1, 40) > 10
    damage_rounds(tmp_path / "journal", ["journal"], 2, 40)


def test_a_missing_or_foreign_data_file_is_no_memory(tmp_path) -> None:
    place = made(tmp_path / "memory")
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
