"""Named spaces have words and quotas of their own; a quota refuses a write whole."""

import hashlib

import numpy as np
import pytest

import engram
from tests.conformance.statement import word

LAST = 2**64 - 1


def test_a_space_has_the_seed_of_its_name(open_memory) -> None:
    memory = open_memory(seed=2**64 - 5)
    for name in ("a", "tenant/7", "räume", "x" * 255, " "):
        material = b"engram space\0" + (2**64 - 5).to_bytes(8, "little") + name.encode()
        seed = int.from_bytes(hashlib.sha256(material).digest()[:8], "little")
        space = memory.spaces(name)
        assert (space.seed, space.name, space.law) == (seed, name, memory.law)
        assert space[77] == word(1, seed, 77)
        assert space.read(2**32 - 3, 6).tolist() == [word(1, seed, 2**32 - 3 + i) for i in range(6)]


def test_spaces_take_the_memorys_law(open_memory) -> None:
    memory = open_memory(seed=3, law=3)
    space = memory.spaces("b")
    assert space[5] == word(3, space.seed, 5)
    assert space.invert(space[5]) == 5


def test_writes_to_one_space_show_in_no_other(memory) -> None:
    spaces = [memory, memory.spaces("a"), memory.spaces("b")]
    generated = [space[9] for space in spaces]
    assert len(set(generated)) == 3
    spaces[1][9] = 1
    assert [space[9] for space in spaces] == [generated[0], 1, generated[2]]
    spaces[0].write(0, np.arange(1000))
    assert [space.written_words for space in spaces] == [1000, 1, 0]
    assert spaces[1].erase(0, 2**64) == 1
    assert [space.written_words for space in spaces] == [1000, 0, 0]


def test_a_name_gives_the_same_space_again(memory) -> None:
    assert memory.spaces("a") is memory.spaces("a")
    assert memory.spaces("b", quota=5) is memory.spaces("b") is memory.spaces("b", quota=5)
    assert memory.space_names() == ["a", "b"]
    for space, quota in (("a", 1), ("b", 6)):
        with pytest.raises(ValueError, match=f"quota of space '{space}' must stay .*, not {quota}"):
            memory.spaces(space, quota=quota)


@pytest.mark.parametrize("named", [False, True])
def test_a_quota_refuses_a_write_whole_and_changes_nothing(open_memory, named) -> None:
    memory = open_memory(seed=1, quota=None if named else 10)
    space = memory.spaces("small", quota=10) if named else memory
    who = "space 'small'" if named else "the memory"
    space.write([1, 2, LAST], [1, 2, 3])
    space.write(100, range(6))
    before = space.read([0, 1, 2, 3, 50, 51, LAST, *range(98, 110)]).tolist()
    for address, values in (
        (50, [1, 2]),
        ([50, 51], 1),
        ([1, 2, 50, 51], 9),  # two of them are held already, and two are not
        (104, [9, 9, 9, 9]),
        (0, range(1000)),
        ([60, 50, 60], [1, 2, 3]),
    ):
        with pytest.raises(engram.QuotaExceeded, match=f"{who} holds 9 written words, .* of 10"):
            space.write(address, values)
        with pytest.raises(engram.QuotaExceeded):
            space[address if isinstance(address, list) else slice(address, address + 20)] = 3
        assert space.written_words == 9
        assert space.read([0, 1, 2, 3, 50, 51, LAST, *range(98, 110)]).tolist() == before
    space.write([50, 50, 1, 50], [1, 2, 3, 4])  # one new word, however often it is named
    assert space.read([50, 1]).tolist() == [4, 3]
    assert space.written_words == space.quota == 10
    space.write(100, [7, 7, 7, 7, 7, 7])
    with pytest.raises(engram.QuotaExceeded):
        space[51] = 1
    space[50] = 5
    assert space.erase(50) == 1
    space[51] = 1
    assert space.read([50, 51]).tolist() == [word(1, space.seed, 50), 1]


def test_a_quota_of_nothing_refuses_every_word(memory) -> None:
    space = memory.spaces("none", quota=0)
    space.write([], [])
    for write in (
        lambda: space.write(0, 1),
        lambda: space.write(0, [1]),
        lambda: space.write([0], [1]),
    ):
        with pytest.raises(engram.QuotaExceeded, match="its quota of 0"):
            write()
    assert space.written_words == 0


def test_quotas_count_each_space_alone(open_memory) -> None:
    memory = open_memory(quota=5)
    memory.spaces("a", quota=3).write(0, range(3))
    memory.spaces("b").write(0, range(300))
    memory.write(0, range(5))
    assert [memory.spaces("a").quota, memory.spaces("b").quota, memory.quota] == [3, None, 5]


def test_names_and_quotas_are_checked(memory) -> None:
    for name in (5, None, b"a", ["a"]):
        with pytest.raises(TypeError, match="name must be a string, not "):
            memory.spaces(name)
    for name in ("", "x" * 256, "ä" * 128, "a\0b"):
        with pytest.raises(ValueError, match="name must be 1 to 255 bytes without zeros, not "):
            memory.spaces(name)
    with pytest.raises(TypeError, match=r"quota must be an integer, not 1\.0"):
        memory.spaces("a", quota=1.0)
    with pytest.raises(TypeError, match="quota must be an integer, not True"):
        memory.spaces("a", quota=True)
    with pytest.raises(ValueError, match=r"quota must be in 0.*, not -1"):
        memory.spaces("a", quota=-1)
    assert memory.space_names() == []


def test_a_name_that_no_text_encoding_has_is_refused(memory) -> None:
    with pytest.raises(ValueError, match="name must be "):
        memory.spaces("\ud800")


def test_a_seed_that_is_taken_is_refused(memory, monkeypatch) -> None:
    monkeypatch.setattr("engram.memory.derive_seed", lambda seed, name: 99)
    memory.spaces("a")
    with pytest.raises(ValueError, match="name 'b' must be another: its seed is 'a''s"):
        memory.spaces("b")
