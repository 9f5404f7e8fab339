"""Files that commands make: never half of one, and none replaced unasked."""

import errno
from pathlib import Path

__all__ = ["check_output", "write_file"]


def check_output(output: Path, *, force: bool) -> None:
    """Raise FileExistsError for a file that exists, unless it may be replaced."""
    if output.exists() and not force:
        raise FileExistsError(errno.EEXIST, "it exists; --force replaces it", str(output))


def write_file(output: Path, data: bytes) -> None:
    """Write a file that appears under its name when it is complete."""
    part = output.with_name(f".{output.name}.part")
    try:
        part.write_bytes(data)
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)
