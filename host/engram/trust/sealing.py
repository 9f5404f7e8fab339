"""AES-GCM at rest: what is sealed tells its length and nothing else; needs the extra `trust`."""

import os
from typing import TYPE_CHECKING

from engram.errors import IntegrityError
from engram.trust.keys import hkdf

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["OVERHEAD", "is_sealed", "seal", "unseal"]

_MAGIC = b"ENGRAMS1"
_SALT_BYTES = 16
_NONCE_BYTES = 12
_TAG_BYTES = 16
_MOST_BYTES = (1 << 31) - 1

OVERHEAD = len(_MAGIC) + _SALT_BYTES + _NONCE_BYTES + _TAG_BYTES


def seal(key: bytes, plain: bytes, context: bytes) -> bytes:
    """Return ``plain`` encrypted and authenticated: magic, salt, nonce, ciphertext and tag.

    The rule of nonces: none is used twice under one key. AES-GCM loses everything where that
    happens, and 96 random bits alone would allow but 2**32 messages (NIST SP 800-38D, 8.3). So each
    message has a key of its own, by HKDF from the caller's and 128 random bits, beside its random
    nonce: two messages meet after some 2**112. The bits come from the operating system and not from
    a law of Engram, because what can be computed again would be the same again.

    Args:
        context: what this is, such as name and version; it is authenticated and not stored, so
            that a sealed thing opens in its own place only.

    Raises:
        ValueError: it has 2 GiB or more, which OpenSSL does not take at once.
        ImportError: the package ``cryptography`` is missing.
    """
    if len(plain) >= _MOST_BYTES:
        raise ValueError(f"what is sealed must have less than 2 GiB, not {len(plain)} bytes")
    salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
    head = _MAGIC + salt + nonce
    return head + _cipher(key, salt).encrypt(nonce, plain, _MAGIC + context)


def unseal(key: bytes, sealed: bytes, context: bytes) -> bytes:
    """Return what was sealed.

    Raises:
        IntegrityError: another key, another context, or one bit changed; which is not told.
        ImportError: the package ``cryptography`` is missing.
    """
    if not is_sealed(sealed) or len(sealed) < OVERHEAD:
        raise IntegrityError("this is not sealed, or it is cut off")
    salt_at, nonce_at = len(_MAGIC), len(_MAGIC) + _SALT_BYTES
    body_at = nonce_at + _NONCE_BYTES
    cipher = _cipher(key, sealed[salt_at:nonce_at])
    from cryptography.exceptions import InvalidTag

    try:
        return cipher.decrypt(sealed[nonce_at:body_at], sealed[body_at:], _MAGIC + context)
    except InvalidTag:
        raise IntegrityError("the seal is broken: other bytes, another place or key") from None


def is_sealed(data: bytes) -> bool:
    """Return whether these bytes say that they are sealed."""
    return data.startswith(_MAGIC)


def _cipher(key: bytes, salt: bytes) -> "AESGCM":
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError:
        raise ImportError("sealing needs cryptography: pip install 'engram[trust]'") from None
    return AESGCM(hkdf(key, b"message", salt=salt))
