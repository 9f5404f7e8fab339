"""Checkpoints: many tensors at once, to and from safetensors files, or as what changed of them."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from engram.arch.tensors import TYPES
from engram.errors import NotFound
from engram.inputs import is_integer
from engram.tensors.facet import Progress
from engram.tensors.values import elements_of

if TYPE_CHECKING:
    from engram.tensors.descriptors import Descriptor
    from engram.tensors.storing import Storing

__all__ = ["SMALL", "Checkpoint", "SafetensorsFile", "export_file", "keep"]

SMALL = 4096  # elements: whatever has fewer is kept exactly, as it hardly counts

# What safetensors calls the element types that we know.
_NAMES = {
    "BOOL", "I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64", "F16", "BF16", "F32", "F64",
    "C64",
}  # fmt: skip


@dataclass(frozen=True)
class Checkpoint:
    """What became of the tensors that were kept.

    Attributes:
        descriptors: by name; ``stored_bytes`` of one is what this version alone takes.
        changed: names of those that are kept as what changed of the version before.
    """

    descriptors: dict[str, "Descriptor"]
    changed: tuple[str, ...]

    @property
    def nbytes(self) -> int:
        """Bytes of the plain tensors."""
        return sum(each.nbytes for each in self.descriptors.values())

    @property
    def stored_bytes(self) -> int:
        """Bytes that these versions take, headers and all."""
        return sum(each.stored_bytes for each in self.descriptors.values())


class SafetensorsFile(Mapping[str, NDArray[Any]]):
    """The tensors of a safetensors file, each read when it is asked for; needs ``tensors``.

    Args:
        path: the file.
        prefix: put before every name.

    Raises:
        ValueError: it is no such file, or holds element types that cannot be kept.
        OSError: it cannot be read.
        ImportError: the package ``safetensors`` is missing.
    """

    def __init__(self, path: str | os.PathLike[str], *, prefix: str = "") -> None:
        safetensors = _library()
        place = Path(path)
        with place.open("rb"):
            pass  # for an error that names the file as all others do
        try:
            self._file = safetensors.safe_open(place, framework="numpy")
        except safetensors.SafetensorError as error:
            raise ValueError(f"{place} must be a safetensors file: {error}") from None
        names = self._file.keys()
        self._names: dict[str, str] = {prefix + name: name for name in names}
        self._kinds: dict[str, str] = {}
        for shown, name in self._names.items():
            piece = self._file.get_slice(name)
            if piece.get_dtype() not in _NAMES:
                kinds = ", ".join(kind.name for kind in TYPES.values())
                raise ValueError(
                    f"tensor {name!r} must have elements of {kinds}, not {piece.get_dtype()}"
                )
            self._kinds[shown] = piece.get_dtype()

    def __getitem__(self, name: str) -> NDArray[Any]:
        try:
            found: NDArray[Any] = self._file.get_tensor(self._names[name])
        except AttributeError:  # safetensors looks for bfloat16 in ml_dtypes, and then in NumPy
            raise ImportError(
                f"tensor {name!r} is of {self._kinds[name]}: pip install 'engram[tensors]'"
            ) from None
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def keep(
    memory: "Storing",
    tensors: Mapping[str, Any],
    *,
    against_parents: bool = False,
    ratio: float | None = None,
    max_error: float | None = None,
    small: int = SMALL,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Checkpoint:
    """Keep all tensors of a checkpoint; each is whole at once, all of them are not.

    Against its parent, the version of the same name that is there, a tensor costs what changed:
    its bits are compared with the parent's, and the differences shuffled and compressed. Every bit
    comes back. Tensors without a parent of their shape and type are kept as usual.

    Args:
        ratio, max_error: bounds as in ``store``, for tensors of floats from ``small`` elements on;
            everything else, and everything if there is no bound, is kept exactly.
        threads: how many encode at a time.
        progress: called with the name, the number done and the number of all.

    Raises:
        TypeError, ValueError: an argument is wrong, or bounds go with ``against_parents``, which
            is exact.
        CannotMeet, ReadOnly, StoreFull, IntegrityError: as ``store`` and ``update`` raise them;
            tensors that were kept by then stay.
    """
    if against_parents and (ratio is not None or max_error is not None):
        raise ValueError("against_parents must go without bounds: what changed is kept exactly")
    if not is_integer(small) or small < 0:
        raise ValueError(f"small must be a number of elements, not {small!r}")
    made: dict[str, Descriptor] = {}
    changed: list[str] = []
    done = 0

    def told(name: str, *_: int) -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(name, done, len(tensors))

    for name in tensors if against_parents else ():
        found = _updated(memory, name, tensors[name])
        if found is not None:
            made[name] = found
            if not found.whole:
                changed.append(name)
            told(name)
    left = [name for name in tensors if name not in made]
    bounded = ratio is not None or max_error is not None
    lossy = [name for name in left if bounded and _may_round(tensors[name], small)]
    exact = [name for name in left if name not in set(lossy)]
    made |= memory.store_many(
        _Part(tensors, lossy), ratio=ratio, max_error=max_error, threads=threads, progress=told
    )
    made |= memory.store_many(_Part(tensors, exact), exact=True, threads=threads, progress=told)
    return Checkpoint({name: made[name] for name in tensors}, tuple(changed))


def export_file(
    memory: "Storing",
    path: str | os.PathLike[str],
    names: Mapping[str, str],
    *,
    progress: Progress | None = None,
) -> int:
    """Write tensors into a safetensors file and return its bytes; they are in RAM at once.

    The file appears under its name when it is complete.

    Args:
        names: those in the file, and of each the tensor's name.
        progress: called with the name, the number done and the number of all.

    Raises:
        NotFound, IntegrityError: of a tensor, as ``load`` raises them.
        TypeError: one is of complex128, which safetensors lacks.
        OSError: it cannot be written.
    """
    safetensors = _library()
    from safetensors.numpy import save_file

    place = Path(path)
    tensors = {}
    for done, (shown, name) in enumerate(names.items(), 1):
        array = memory.load(name)
        if array.dtype.name == "complex128":
            raise TypeError(f"tensor {name!r} is of complex128, which safetensors lacks")
        tensors[shown] = array
        if progress is not None:
            progress(name, done, len(names))
    part = place.with_name(f".{place.name}.part")
    try:
        save_file(tensors, part)
        size = part.stat().st_size
        part.replace(place)
    except safetensors.SafetensorError as error:
        raise OSError(f"{place} cannot be written: {error}") from None
    finally:
        part.unlink(missing_ok=True)
    return size


class _Part(Mapping[str, Any]):
    """Some of the tensors, each read when it is asked for."""

    def __init__(self, tensors: Mapping[str, Any], names: list[str]) -> None:
        self._tensors = tensors
        self._own = dict.fromkeys(names)

    def __getitem__(self, name: str) -> Any:
        if name not in self._own:
            raise KeyError(name)
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._own)

    def __len__(self) -> int:
        return len(self._own)


def _updated(memory: "Storing", name: str, tensor: Any) -> "Descriptor | None":
    """Return the version that an update makes, or None if there is no parent that it fits."""
    with suppress(NotFound):
        parent = memory.describe(name)
        if elements_of(tensor, name)[1] == parent.geometry:
            return memory.update(name, dense=tensor)
    return None


def _may_round(tensor: Any, small: int) -> bool:
    geometry = elements_of(tensor)[1]
    return geometry.kind.lossy and geometry.size >= small


def _library() -> Any:
    try:
        import safetensors
    except ImportError:
        raise ImportError(
            "safetensors files need the extra `tensors`: pip install 'engram[tensors]'"
        ) from None
    return safetensors
