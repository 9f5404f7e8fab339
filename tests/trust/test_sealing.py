"""What is sealed opens with its key in its place, and shows nothing to anybody else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engram.errors import IntegrityError
from engram.trust.sealing import OVERHEAD, is_sealed, seal, unseal

KEY = bytes(range(32))


@settings(deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=30))
def test_what_was_sealed_comes_back(plain, context) -> None:
    sealed = seal(KEY, plain, context)
    assert is_sealed(sealed)
    assert len(sealed) == len(plain) + OVERHEAD
    assert unseal(KEY, sealed, context) == plain
    assert len(plain) < 8 or plain not in sealed[8:]  # the first eight say what it is


def test_every_changed_bit_breaks_the_seal() -> None:
    sealed = seal(KEY, b"sixteen numbers.", b"w 1")
    for at in range(len(sealed)):
        for bit in (0, 7):
            changed = sealed[:at] + bytes((sealed[at] ^ 1 << bit,)) + sealed[at + 1 :]
            with pytest.raises(IntegrityError):
                unseal(KEY, changed, b"w 1")
    for cut in range(len(sealed)):
        with pytest.raises(IntegrityError):
            unseal(KEY, sealed[:cut], b"w 1")
    with pytest.raises(IntegrityError):
        unseal(KEY, sealed + b"\0", b"w 1")


def test_another_key_or_place_does_not_open_it() -> None:
    sealed = seal(KEY, b"numbers", b"w 1")
    for key, context in ((KEY[::-1], b"w 1"), (KEY, b"w 2"), (KEY, b"")):
        with pytest.raises(IntegrityError, match="the seal is broken"):
            unseal(key, sealed, context)
    with pytest.raises(IntegrityError, match="not sealed"):
        unseal(KEY, b"numbers", b"w 1")


def test_no_salt_and_no_nonce_comes_twice() -> None:
    heads = {seal(KEY, b"", b"")[8:36] for _ in range(500)}
    assert len(heads) == len({head[:16] for head in heads}) == 500
    assert len({head[16:] for head in heads}) == 500
