"""Keys: from the caller, the environment or a file, and one of its own for each purpose."""

import hashlib
import hmac
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["LEAST_BYTES", "VARIABLE", "Keys", "find_key", "hkdf", "key_from_file"]

LEAST_BYTES = 32  # 256 bits, as many as the hashes and ciphers under it use
VARIABLE = "ENGRAM_KEY"

_LARGEST_FILE = 4096
_SALT = b"engram keys 1"
_DERIVED_BYTES = 32


def find_key(
    given: bytes | None = None,
    *,
    file: str | os.PathLike[str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> bytes | None:
    """Return the key that was given, else the file's, else that of ENGRAM_KEY, else None.

    Args:
        given: at least LEAST_BYTES bytes, from whatever keeps the caller's secrets.
        file: a file that `key_from_file` reads.
        environ: variables to use instead of the process's; ENGRAM_KEY holds hexadecimal digits.

    Raises:
        TypeError, ValueError: what there is, is no key. No message ever shows one.
        OSError: the file cannot be read.
    """
    if given is not None:
        return _checked(given, "key")
    if file is not None:
        return key_from_file(file)
    variables = os.environ if environ is None else environ
    text = variables.get(VARIABLE)
    return None if text is None else _from_hex(text, VARIABLE)


def key_from_file(path: str | os.PathLike[str]) -> bytes:
    """Return the key of a file: hexadecimal digits on one line, or else its bytes as they are.

    Raises:
        ValueError: others than its owner may read it, it is no file, or it holds no key.
        OSError: it cannot be read.
    """
    place = Path(path)
    # Looked at through the open file, so that none can be put in its place in between; and a pipe
    # that nobody writes into would otherwise be waited for.
    with os.fdopen(os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise ValueError(f"key file must be a plain file, not {str(place)!r}")
        if found.st_mode & 0o077:
            raise ValueError(
                f"key file must have mode 0600, not {stat.S_IMODE(found.st_mode):04o}: "
                f"chmod 600 {place}"
            )
        if found.st_uid not in (os.geteuid(), 0):
            raise ValueError(f"key file must belong to its reader, not to user {found.st_uid}")
        data = file.read(_LARGEST_FILE + 1)
    if len(data) > _LARGEST_FILE:
        raise ValueError(f"key file must have at most {_LARGEST_FILE} bytes: {place}")
    try:
        text = data.decode("ascii").strip()
        if text and not text.strip("0123456789abcdefABCDEF"):
            return _from_hex(text, f"key file {place}")
    except UnicodeDecodeError:
        pass
    return _checked(data, f"key file {place}")


def hkdf(key: bytes, purpose: bytes, *, salt: bytes = _SALT, length: int = _DERIVED_BYTES) -> bytes:
    """Return a key for one purpose: HKDF-SHA256 of RFC 5869; no other purpose tells anything of it.

    Raises:
        ValueError: ``length`` is not in 1..8160.
    """
    digest = hashlib.sha256().digest_size
    if not 0 < length <= 255 * digest:
        raise ValueError(f"length must be in 1..{255 * digest}, not {length!r}")
    secret = hmac.digest(salt or bytes(digest), key, "sha256")
    block, made = b"", b""
    for number in range(1, -(-length // digest) + 1):
        block = hmac.digest(secret, block + purpose + bytes((number,)), "sha256")
        made += block
    return made[:length]


@dataclass(frozen=True)
class Keys:
    """One key of a caller, and those made of it: each serves one purpose, and none shows another.

    Attributes:
        root: at least LEAST_BYTES bytes; never written anywhere by Engram.
    """

    root: bytes = field(repr=False)

    def __post_init__(self) -> None:
        _checked(self.root, "key")

    @property
    def signing(self) -> bytes:
        """For the MACs of descriptors."""
        return hkdf(self.root, b"descriptors")

    @property
    def sealing(self) -> bytes:
        """For AES-GCM at rest."""
        return hkdf(self.root, b"sealing")

    @property
    def auditing(self) -> bytes:
        """For the chain of the audit log."""
        return hkdf(self.root, b"audit")

    @property
    def fingerprint(self) -> str:
        """Which key this is, in 16 digits that tell nothing else about it."""
        return hkdf(self.root, b"fingerprint", length=8).hex()


def _from_hex(text: str, what: str) -> bytes:
    try:
        data = bytes.fromhex(text.strip())
    except ValueError:
        raise ValueError(f"{what} must hold hexadecimal digits, two for each byte") from None
    return _checked(data, what)


def _checked(key: bytes, what: str) -> bytes:
    if not isinstance(key, bytes):
        raise TypeError(f"{what} must be bytes, not {type(key).__name__}")
    if len(key) < LEAST_BYTES:
        raise ValueError(f"{what} must have at least {LEAST_BYTES} bytes, not {len(key)}")
    if len(set(key)) == 1:
        raise ValueError(f"{what} must be secret, not {len(key)} times the same byte")
    return key
