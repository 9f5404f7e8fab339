"""Descriptors: flat bytes under one MAC, and proofs that a tile is theirs."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import engram
from engram.arch.tensors import HEADER, TILE_ELEMENTS, type_by_name
from engram.codecs.codec import Geometry
from engram.errors import EngramError, IntegrityError, VersionMismatch
from engram.tensors.descriptors import Descriptor, default_key, overhead
from engram.tensors.merkle import MerkleTree, leaf, proves
from engram.tensors.regrowing import tiles_of, tree_of

KEY = b"a key of sixteen"


def small(**changes) -> Descriptor:
    values = np.arange(12, dtype=np.float32)
    settings = {
        "key": KEY,
        "name": "wörd",
        "version": 3,
        "codec_number": 1,
        "root": tree_of(values).root,
        "base": 1 << 63,
        "parent": bytes(range(32)),
    }
    geometry = Geometry((3, 4), type_by_name("float32"))
    return Descriptor.made(values.tobytes(), geometry, **(settings | changes))


def test_bytes_come_back_as_the_same_descriptor() -> None:
    made = small()
    assert Descriptor.from_bytes(made.to_bytes(), KEY) == made
    assert (made.name, made.version, made.shape, made.dtype) == ("wörd", 3, (3, 4), "float32")
    assert (made.codec, made.nbytes, made.base, made.whole) == ("raw", 48, 1 << 63, True)
    assert bytes(made.payload) == np.arange(12, dtype=np.float32).tobytes()
    assert made.stored_bytes == len(made.to_bytes()) == 48 + overhead("wörd", 2)
    assert made.ratio == made.stored_bytes / 48


def test_every_flipped_bit_of_every_byte_is_refused() -> None:
    data = small().to_bytes()
    for at in range(len(data)):
        for bit in (0, 3, 7):
            other = data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
            with pytest.raises(IntegrityError, match="MAC"):
                Descriptor.from_bytes(other, KEY)


@pytest.mark.parametrize("key", [b"a key of sixteem", b"a key of sixteen\0\1", b"", KEY[:-1]])
def test_another_key_is_refused(key) -> None:
    with pytest.raises(IntegrityError, match="MAC"):
        small().verify(key)
    small().verify(KEY)


def test_cut_and_longer_bytes_are_refused_with_and_without_a_key() -> None:
    data = small().to_bytes()
    for cut in range(len(data)):
        with pytest.raises(IntegrityError):
            Descriptor.from_bytes(data[:cut], KEY)
        with pytest.raises(IntegrityError):
            Descriptor.from_bytes(data[:cut])
    with pytest.raises(IntegrityError):
        Descriptor.from_bytes(data + b"\0")


@given(st.binary(max_size=400), st.integers(0, 400))
def test_no_bytes_are_read_as_anything_but_a_descriptor(noise, at) -> None:
    data = small().to_bytes()
    for given_bytes in (noise, data[:at] + noise, data[:at] + noise + data[at + len(noise) :]):
        try:
            found = Descriptor.from_bytes(given_bytes)
        except EngramError:
            continue
        assert found.to_bytes() == given_bytes
        assert found.geometry.size >= 0


def test_a_codec_of_a_later_version_is_named() -> None:
    data = bytearray(small().to_bytes())
    struct.pack_into("<H", data, 10, 999)
    with pytest.raises(VersionMismatch, match="999"):
        Descriptor.from_bytes(bytes(data))


def test_a_name_is_not_cut_in_the_middle_of_padding() -> None:
    data = bytearray(small().to_bytes())
    data[HEADER.size + 2 * 8 + len("wörd".encode())] = 1
    with pytest.raises(IntegrityError):
        Descriptor.from_bytes(bytes(data))


def test_the_default_key_follows_from_the_seed_alone() -> None:
    assert default_key(1) == default_key(1) != default_key(2)
    assert len(default_key(0)) == 32


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8, 100])
def test_each_leaf_is_proved_and_no_other(count) -> None:
    leaves = [leaf(i, bytes([i])) for i in range(count)]
    tree = MerkleTree(leaves)
    for i in range(count):
        proof = tree.proof(i)
        assert len(proof) <= max(1, count - 1).bit_length()
        assert proves(leaves[i], i, count, proof, tree.root)
        assert not proves(leaf(i, b"other"), i, count, proof, tree.root)
        assert not proves(leaves[i], (i + 1) % count, count, proof, tree.root) or count == 1
        assert not proves(leaves[i], i, count, (*proof, bytes(32)), tree.root)
        assert not proves(leaves[i], i, count, proof[:-1], tree.root) or not proof
        assert not proves(leaves[i], i, count, tuple(each[1:] for each in proof), tree.root) or (
            not proof
        )
    with pytest.raises(IndexError):
        tree.proof(count)


def test_a_leaf_is_no_node_and_knows_its_place() -> None:
    one, other = leaf(0, b"x"), leaf(1, b"x")
    assert one != other
    assert MerkleTree([one, other]).root != leaf(0, one + other)
    assert MerkleTree([]).root != MerkleTree([one]).root


def test_a_tile_is_proved_to_whoever_holds_the_descriptor() -> None:
    values = np.arange(2 * TILE_ELEMENTS + 5, dtype=np.int16)
    with engram.open(seed=1) as memory:
        descriptor = memory.store("a", values)
        assert descriptor.root == MerkleTree(tiles_of(values)).root
        for tile in range(3):
            content = memory.load_tile("a", tile).tobytes()
            proof = memory.prove("a", tile)
            descriptor.verify_tile(tile, content, proof)
            with pytest.raises(IntegrityError, match="tile"):
                descriptor.verify_tile((tile + 1) % 3, content, proof)
            with pytest.raises(IntegrityError, match="tile"):
                descriptor.verify_tile(tile, content[:-1] + b"?", proof)
        with pytest.raises(ValueError, match="tile"):
            memory.prove("a", 3)


@pytest.mark.parametrize(("base", "shape"), [(5, (3, 4)), (2**64 - 512, (1024, 1024))])
def test_an_impossible_region_is_refused_even_if_it_is_signed(base, shape) -> None:
    geometry = Geometry(shape, type_by_name("float32"))
    with pytest.raises(IntegrityError, match="sizes"):
        Descriptor.made(
            b"", geometry, key=KEY, name="a", version=1, codec_number=1, root=bytes(32), base=base
        )
