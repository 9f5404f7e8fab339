"""A batch: a run of records as one LMDB value, sealed by a digest that also covers its place."""

from __future__ import annotations

import struct
from hashlib import blake2b

from engram.errors import StoreCorrupt
from engram.store.records import Run

__all__ = ["open_batch", "seal_batch", "sequence_key"]

# magic, format, unused, generation, sequence, first record, records, words, payload bytes
_HEADER = struct.Struct("<4sHHQQQQQQ")
_MAGIC = b"EgBa"
_FORMAT = 1
_DIGEST_BYTES = 16
PAYLOAD_AT = _HEADER.size + _DIGEST_BYTES  # a multiple of 8, so that words stay aligned


def sequence_key(sequence: int) -> bytes:
    """Return the LMDB key of a batch; big-endian, so that byte order is sequence order."""
    return sequence.to_bytes(8, "big")


def seal_batch(run: Run, generation: int, sequence: int, first_record: int, token: bytes) -> bytes:
    """Return the value to keep under this sequence number."""
    header = _HEADER.pack(
        _MAGIC, _FORMAT, 0, generation, sequence, first_record, run.records, run.words,
        len(run.data),
    )  # fmt: skip
    digest = blake2b(header, digest_size=_DIGEST_BYTES, key=token, person=b"batch")
    digest.update(run.data)
    return b"".join((header, digest.digest(), run.data))


def open_batch(
    value: bytes, generation: int, sequence: int, first_record: int | None, token: bytes
) -> tuple[Run, int]:
    """Return the run kept under this sequence number and its first record's number.

    StoreCorrupt if the digest or the place is wrong; `first_record` None takes the batch's word.
    """
    if len(value) < PAYLOAD_AT:
        raise StoreCorrupt(f"batch {sequence} has only {len(value)} bytes")
    view = memoryview(value)
    digest = blake2b(view[: _HEADER.size], digest_size=_DIGEST_BYTES, key=token, person=b"batch")
    digest.update(view[PAYLOAD_AT:])
    if digest.digest() != value[_HEADER.size : PAYLOAD_AT]:
        raise StoreCorrupt(f"batch {sequence} does not match its digest")
    magic, version, _, *place, records, words, length = _HEADER.unpack_from(value)
    if (magic, version, length) != (_MAGIC, _FORMAT, len(value) - PAYLOAD_AT):
        raise StoreCorrupt(f"batch {sequence} has an impossible header")
    first = place[2] if first_record is None else first_record
    if place != [generation, sequence, first]:
        raise StoreCorrupt(
            f"batch {sequence} of generation {generation} from record {first} says it is {place}"
        )
    return Run(view[PAYLOAD_AT:], records, words), first
