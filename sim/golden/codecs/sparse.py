"""Decoding of sparse payloads: an element at a time."""

__all__ = ["decode"]

TILE = 65536


def decode(payload: bytes, elements: int, width: int) -> bytes:
    """Return the bytes of a tensor of so many elements, each of ``width`` bytes."""
    found = bytearray(elements * width)
    for tile in range(-(-elements // TILE)):
        entry = 64 + 16 * tile
        start = int.from_bytes(payload[entry : entry + 8], "little")
        count = int.from_bytes(payload[entry + 8 : entry + 12], "little")
        gaps = int.from_bytes(payload[entry + 12 : entry + 16], "little")
        if count == 0:
            continue
        size = min(TILE, elements - tile * TILE)
        if gaps:
            positions = _from_gaps(payload[start : start + gaps])
            end = start + gaps
        else:
            positions = [i for i in range(size) if payload[start + i // 8] >> (i % 8) & 1]
            end = start + -(-size // 8)
        assert len(positions) == count
        at = -(-end // 64) * 64
        for position in positions:
            place = (tile * TILE + position) * width
            found[place : place + width] = payload[at : at + width]
            at += width
    return bytes(found)


def _from_gaps(packed: bytes) -> list[int]:
    """Return positions: each is the one before, plus one, plus a LEB128 number."""
    positions: list[int] = []
    number = shift = 0
    for byte in packed:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            positions.append((positions[-1] if positions else -1) + 1 + number)
            number = shift = 0
    return positions
