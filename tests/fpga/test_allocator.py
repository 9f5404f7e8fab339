"""The allocator of a device's memory."""

import random

import pytest

from engram.fpga.allocator import Allocator


def test_pieces_are_aligned_and_never_overlap() -> None:
    chance = random.Random(1)
    allocator = Allocator(0x1000, 1 << 20)
    taken: dict[int, int] = {}
    for _ in range(2000):
        if taken and chance.random() < 0.45:
            address = chance.choice(sorted(taken))
            del taken[address]
            allocator.give(address)
            continue
        size = chance.randint(1, 1 << chance.randint(0, 16))
        align = 1 << chance.randint(0, 13)
        address = allocator.take(size, align)
        if address is None:
            continue
        assert address % align == 0
        assert 0x1000 <= address <= 0x1000 + (1 << 20) - size
        assert all(address + size <= at or at + many <= address for at, many in taken.items())
        taken[address] = size
        assert allocator.free_bytes == (1 << 20) - sum(taken.values())
    for address in taken:
        allocator.give(address)
    assert allocator.take(1 << 20, 1) == 0x1000


def test_freed_space_is_used_again() -> None:
    allocator = Allocator(0, 4096)
    first = allocator.take(1024, 1024)
    second = allocator.take(1024, 1024)
    assert (first, second) == (0, 1024)
    allocator.give(0)
    assert allocator.take(1025, 1) == 2048
    assert allocator.take(1024, 1) == 0


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (0, 2, 1), (1, 0, 2)])
def test_neighbours_become_one_piece(order) -> None:
    allocator = Allocator(0, 3072)
    places = [allocator.take(1024, 1) for _ in range(3)]
    for index in order:
        allocator.give(places[index])
    assert allocator.take(3072, 1) == 0


def test_no_room_is_none_and_changes_nothing() -> None:
    allocator = Allocator(0x100, 4096)
    assert allocator.take(4097, 1) is None
    assert allocator.take(4096, 4096) is None
    assert allocator.free_bytes == 4096


def test_what_cannot_be_is_refused() -> None:
    allocator = Allocator(0, 4096)
    with pytest.raises(ValueError, match="size must be at least 1, not 0"):
        allocator.take(0, 1)
    for align in (0, 3, -4):
        with pytest.raises(ValueError, match="align must be a power of two"):
            allocator.take(8, align)
    with pytest.raises(KeyError):
        allocator.give(0)
