"""Frames carry heads and arrays unchanged, and anything else is refused without harm."""

import json
import struct
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lava_procs.wire import LARGEST_BODY, LARGEST_HEAD, VERSION, WireError, frame, receive

HEADS = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=3)
ARRAYS = st.sampled_from(["?", "i1", "u1", "<u2", ">u2", "<i4", "<i8", ">u8"]).flatmap(
    lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0))
)
PREFIX = struct.Struct("<4sHxxQQ")
EXAMPLE = b"".join(frame({"call": "race"}, [np.arange(5, dtype=np.uint16), np.zeros((2, 3), int)]))


def reader(data: bytes) -> Callable[[int], bytes]:
    """Return what reads exactly so many bytes of data, or raises EOFError."""
    stream = BytesIO(data)

    def read(count: int) -> bytes:
        found = stream.read(count)
        if len(found) < count:
            raise EOFError
        return found

    return read


def framed(head: Any, body: bytes = b"") -> bytes:
    text = json.dumps(head).encode()
    return PREFIX.pack(b"EgLv", VERSION, len(text), len(body)) + text + body


@given(HEADS, st.lists(ARRAYS, max_size=3))
def test_what_is_sent_is_received(head, sent) -> None:
    head.pop("arrays", None)
    received, found = receive(reader(b"".join(frame(head, sent))))
    assert received == head
    assert len(found) == len(sent)
    for one, other in zip(sent, found, strict=True):
        assert one.shape == other.shape
        assert one.dtype == other.dtype.newbyteorder(one.dtype.byteorder)
        assert np.array_equal(one, other)


def test_a_part_of_an_array_is_sent_alone() -> None:
    whole = np.arange(24, dtype=np.int64).reshape(4, 6)
    _, (found,) = receive(reader(b"".join(frame({}, [whole[::2, 1::3]]))))
    assert np.array_equal(found, whole[::2, 1::3])


@pytest.mark.parametrize("length", range(len(EXAMPLE)))
def test_a_frame_cut_short_ends_the_stream(length) -> None:
    with pytest.raises(EOFError):
        receive(reader(EXAMPLE[:length]))


@given(st.data())
def test_damage_is_refused_or_yields_a_frame(data) -> None:
    damaged = bytearray(EXAMPLE)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        head, found = receive(reader(bytes(damaged)))
    except (WireError, EOFError):
        return
    assert isinstance(head, dict)
    assert all(isinstance(array, np.ndarray) for array in found)


@given(st.binary(max_size=80))
def test_noise_is_no_frame(noise) -> None:
    with pytest.raises((WireError, EOFError)):
        receive(reader(noise))


@pytest.mark.parametrize(
    ("head_bytes", "body_bytes"), [(LARGEST_HEAD + 1, 0), (2, LARGEST_BODY + 1), (1 << 63, 1 << 63)]
)
def test_a_length_out_of_bounds_is_refused_before_it_is_read(head_bytes, body_bytes) -> None:
    asked = []

    def read(count: int) -> bytes:
        asked.append(count)
        return PREFIX.pack(b"EgLv", VERSION, head_bytes, body_bytes)

    with pytest.raises(WireError, match="bytes at most"):
        receive(read)
    assert asked == [PREFIX.size]


def test_a_body_must_be_as_long_as_its_arrays() -> None:
    head = {"arrays": [["<i8", [1 << 20]]]}
    with pytest.raises(WireError, match="8388608 bytes of its arrays, not 8"):
        receive(reader(framed(head, bytes(8))))


@pytest.mark.parametrize(
    "described",
    [
        None,
        {},
        [3],
        [["<i8"]],
        [["O", [1]]],
        [["<f8", [1]]],
        [[8, [1]]],
        [["<i8", 1]],
        [["<i8", [-1]]],
        [["<i8", [1.0]]],
        [["<i8", [True]]],
        [["<i8", [1] * 5]],
        [["<i8", [0, 1 << 62]]],
    ],
)
def test_a_wrong_description_of_arrays_is_refused(described) -> None:
    with pytest.raises(WireError):
        receive(reader(framed({"arrays": described}, bytes(8))))


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"3", b"\xff", b"[" * 100_000])
def test_a_head_must_be_a_json_object(text) -> None:
    with pytest.raises(WireError, match="head must be"):
        receive(reader(PREFIX.pack(b"EgLv", VERSION, len(text), 0) + text))


def test_another_version_and_another_magic_are_refused() -> None:
    with pytest.raises(WireError, match=f"version {VERSION}, not {VERSION + 1}"):
        receive(reader(PREFIX.pack(b"EgLv", VERSION + 1, 2, 0) + b"{}"))
    with pytest.raises(WireError, match="start with"):
        receive(reader(PREFIX.pack(b"HTTP", VERSION, 2, 0) + b"{}"))


@pytest.mark.parametrize(
    "array", [np.zeros(1), np.array([object()]), np.array(["a"]), np.zeros((1,) * 5, np.int8)]
)
def test_what_no_frame_carries_cannot_be_sent(array) -> None:
    with pytest.raises(WireError, match="an array must be of"):
        frame({}, [array])
