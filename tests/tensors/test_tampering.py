"""Whoever can write the log but has not the key changes nothing unseen."""

import numpy as np
import pytest

import engram
from engram.codecs.lossless import LosslessCodec
from engram.codecs.raw import RawCodec
from engram.errors import EngramError, IntegrityError
from engram.store import Describe, Store
from engram.store.tensors import Dropped, Headed, Kept, decode_changes, encode_change
from engram.tensors.descriptors import Descriptor
from engram.trust.keys import Keys

KEY = b"the key of the memory, 32 bytes!"


@pytest.fixture
def place(tmp_path):
    """Two tensors, one of them with a chain of deltas, kept under a key."""
    with engram.open(tmp_path / "m", key=KEY) as memory:
        memory.store("a", np.arange(100, dtype=np.float32))
        memory.update("a", scale=2)
        memory.update("a", add=np.ones(100, np.float32))
        memory.store("b", np.arange(100, dtype=np.float32) * 7)
        memory.update("b", scale=3)
        memory.compact()
    return tmp_path / "m"


def forge(place, change) -> None:
    """Rewrite the log with other changes of tensors; its own digests will be right."""
    with Store.open(place) as store:
        pieces = [each.words for each in store.replay() if isinstance(each, Describe)]
        changes = list(decode_changes(pieces))
        forged = change(changes)
        assert forged != changes
        store.compact([Describe(words) for each in forged for words in encode_change(each)])


def refused(place, name: str = "a", **settings) -> None:
    with engram.open(place, **{"key": KEY, **settings}) as memory:
        for call in (memory.load, memory.history, memory.verify, memory.describe):
            with pytest.raises(IntegrityError, match=name):
                call(name)
        with pytest.raises(IntegrityError, match=name):
            memory.update(name, scale=2)
        with pytest.raises(IntegrityError, match=name):
            memory.store(name, np.ones(3))
        memory.drop(name)
        memory.store(name, np.ones(3))
        assert memory.load(name).tolist() == [1, 1, 1]


def of(changes, name: str) -> list[int]:
    """Return where a tensor's descriptors are."""
    return [
        at
        for at, each in enumerate(changes)
        if isinstance(each, Kept) and Descriptor.from_bytes(each.data).name == name
    ]


def without(changes, places: list[int]) -> list:
    return [each for at, each in enumerate(changes) if at not in places]


def test_untouched_it_is_sound(place) -> None:
    with engram.open(place, key=KEY) as memory:
        assert memory.verify() == 5
        assert memory.load("a")[:3].tolist() == [1, 3, 5]


def test_another_key_is_refused_and_leaves_everything_readable_under_the_right_one(place) -> None:
    for other in (KEY[:-1] + b"?", KEY + b"0", None):
        with engram.open(place, key=other) as memory:
            assert memory.tensors() == ["a", "b"]
            with pytest.raises(IntegrityError, match="key"):
                memory.load("a")
            with pytest.raises(IntegrityError, match="key"):
                memory.read(memory._tensors.regions().placed[0].base, 5)
    with engram.open(place, key=KEY) as memory:
        assert memory.verify() == 5


def test_nothing_is_decoded_that_was_not_verified(place, monkeypatch) -> None:
    decoded = []
    for codec in (LosslessCodec, RawCodec):
        monkeypatch.setattr(codec, "decode", lambda *_: decoded.append(1))
    with engram.open(place, key=KEY[::-1]) as memory:
        placed = memory._tensors.regions().placed[0]
        for call in (
            lambda: memory.load("a"),
            lambda: memory.load("a", out=np.empty(100, np.float32)),
            lambda: memory.load_tile("a", 0),
            lambda: memory.prove("a", 0),
            lambda: memory.verify(),
            lambda: memory[placed.base],
            lambda: memory.update("a", scale=2),
        ):
            with pytest.raises(IntegrityError):
                call()
    assert not decoded


def test_a_flipped_bit_in_ram_is_noticed_when_it_is_decoded(place) -> None:
    with engram.open(place, key=KEY) as memory:
        assert memory.load("a")[0] == 1
        first = memory.history("a")[0]
        flipped = bytearray(first.data)
        flipped[-40] ^= 1
        object.__setattr__(first, "data", bytes(flipped))
        memory._tensors._cache.clear()
        for call in (memory.load, memory.verify, lambda name: memory.load_tile(name, 0)):
            with pytest.raises(IntegrityError, match="'a'"):
                call("a")


def test_a_changed_payload_is_refused(place) -> None:
    def change(changes):
        at = of(changes, "a")[0]
        data = bytearray(changes[at].data)
        data[-40] ^= 1
        return [*changes[:at], Kept(bytes(data)), *changes[at + 1 :]]

    forge(place, change)
    refused(place)


def test_every_changed_byte_of_a_small_descriptor_is_refused(tmp_path) -> None:
    with engram.open(tmp_path / "m", key=KEY) as memory:
        memory.store("a", np.arange(3, dtype=np.int8))
        data = memory.describe("a").to_bytes()
        lineage = memory._tensors._lineages["a"]
        for at in range(len(data)):
            other = data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]
            try:
                forged = Descriptor.from_bytes(other)
            except EngramError:
                continue
            with pytest.raises(IntegrityError):
                lineage.with_version(forged).check(Keys(KEY).signing)


def test_a_left_out_delta_is_refused(place) -> None:
    forge(place, lambda changes: without(changes, of(changes, "a")[1:2]))
    refused(place)


def test_a_left_out_latest_version_is_refused(place) -> None:
    forge(place, lambda changes: without(changes, of(changes, "a")[2:]))
    refused(place)


def test_a_left_out_oldest_version_is_refused(tmp_path) -> None:
    with engram.open(tmp_path / "m", key=KEY) as memory:
        for number in range(3):
            memory.store("a", np.full(5, number))
    forge(tmp_path / "m", lambda changes: without(changes, of(changes, "a")[:1]))
    refused(tmp_path / "m")


def test_a_replayed_older_version_is_refused(place) -> None:
    def change(changes):
        # The head is made to fit what is left, but for its MAC, which nobody else can make.
        old = Descriptor.from_bytes(changes[of(changes, "a")[0]].data)
        cut = without(changes, of(changes, "a")[1:])
        return [
            Headed("a", 1, 1, each.following, old.digest, each.mac)
            if isinstance(each, Headed) and each.name == "a"
            else each
            for each in cut
        ]

    forge(place, change)
    refused(place)


def test_a_delta_of_another_tensor_is_refused(place) -> None:
    def change(changes):
        mine, others = of(changes, "a")[1], of(changes, "b")[1]
        swapped = list(changes)
        swapped[mine] = changes[others]
        return swapped

    forge(place, change)
    with engram.open(place, key=KEY) as memory, pytest.raises(IntegrityError, match="'a'"):
        memory.load("a")


def test_a_head_of_another_tensor_is_refused(place) -> None:
    def change(changes):
        heads = {each.name: each for each in changes if isinstance(each, Headed)}
        other = heads["b"]
        forged = Headed("a", other.first, other.latest, other.following, other.digest, other.mac)
        return [forged if each == heads["a"] else each for each in changes]

    forge(place, change)
    refused(place)


def test_a_delta_signed_with_another_key_is_refused(place, tmp_path) -> None:
    with engram.open(tmp_path / "other", key=b"another key of the same 32 bytes") as memory:
        memory.store("a", np.arange(100, dtype=np.float32))
        memory.update("a", scale=2)
        grafted = memory.describe("a").to_bytes()

    def change(changes):
        at = of(changes, "a")[1]
        return [*changes[:at], Kept(grafted), *changes[at + 1 :]]

    forge(place, change)
    refused(place)


def test_versions_without_a_head_are_refused(place) -> None:
    def change(changes):
        return [each for each in changes if not (isinstance(each, Headed) and each.name == "a")]

    forge(place, change)
    refused(place)


def test_a_head_without_versions_is_refused(place) -> None:
    forge(place, lambda changes: without(changes, of(changes, "a")))
    refused(place)
    with engram.open(place, key=KEY) as memory:
        assert memory.report().tensors.tensors == 2


def test_a_dropped_tensor_is_the_one_thing_an_attacker_can_do(place) -> None:
    forge(place, lambda changes: [*changes, Dropped("a")])
    with engram.open(place, key=KEY) as memory:
        assert memory.tensors() == ["b"]
        assert memory.verify() == 2


def test_a_change_taken_in_twice_changes_nothing(place) -> None:
    forge(place, lambda changes: [each for each in changes for _ in range(2)])
    with engram.open(place, key=KEY) as memory:
        assert memory.verify() == 5
