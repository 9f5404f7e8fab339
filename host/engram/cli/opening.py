"""Opening a memory as the options of a command say."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engram.cli.expressions import integer, number_or_name
from engram.errors import NotFound

if TYPE_CHECKING:
    from engram.memory import Memory
    from engram.space import Space

__all__ = ["open_memory", "space_of"]


def open_memory(
    directory: Path | None,
    *,
    seed: str | None = None,
    law: str | None = None,
    device: str | None = None,
    config: Path | None = None,
    preset: str | None = None,
    width: int | None = None,
    key_file: Path | None = None,
    writing: bool = False,
    may_create: bool = False,
) -> "Memory":
    """Open a memory: for reading only unless ``writing``, so that it works beside a writer.

    Raises:
        ValueError: it is to be written, and no directory would keep what is written.
        NotFound: there is no memory in the directory, and it may not be created.
    """
    from engram.config import MemoryConfig

    settings: dict[str, Any] = {}
    if seed is not None:
        settings["seed"] = integer(seed, "seed")
    if law is not None:
        settings["law"] = number_or_name(law)
    if device is not None:
        settings["device"] = device
    if preset is not None:
        settings["preset"] = preset
    if width is not None:
        settings["embedding_width"] = width
    if key_file is not None:
        settings["key_file"] = key_file
    chosen = MemoryConfig.load(directory, config=config, **settings)
    if writing:
        if chosen.path is None:
            raise ValueError("a directory must keep what is written: give --dir DIR")
        if not may_create and not _exists(chosen.path):
            raise NotFound(f"{chosen.path} holds no memory")
    elif chosen.path is not None:
        chosen = replace(chosen, read_only=True)
    from engram.memory import Memory

    return Memory(chosen)


def space_of(memory: "Memory", name: str | None) -> "Space":
    """Return the named space of a memory, or its own."""
    return memory if name is None else memory.spaces(name)


def _exists(path: str) -> bool:
    from engram.store.directory import holds_store

    return holds_store(Path(path))
