"""Between callers' tensors, NumPy's or PyTorch's, and the elements that codecs know."""

import importlib
import sys
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.tensors import TYPES, ElementType, type_by_name
from engram.codecs.codec import Geometry

__all__ = ["as_buffer", "elements_of", "like_torch", "presented"]

_BY_BITS = {kind.bits: kind for kind in TYPES.values() if kind.name != "bfloat16"}
_BFLOAT16 = type_by_name("bfloat16")


def elements_of(tensor: Any, name: str = "tensor") -> tuple[NDArray[Any], Geometry]:
    """Return a caller's tensor as elements in C order, of its shape, and its geometry.

    Bits stay as they are, of strided, transposed and byte-swapped arrays too. bfloat16, PyTorch's
    or that of ml_dtypes, becomes 16-bit integers.

    Raises:
        TypeError: it is no array or tensor, or of a dtype that cannot be stored.
    """
    if _is_torch(tensor):
        array, kind = _from_torch(tensor, name)
    elif isinstance(tensor, np.ndarray | np.generic):
        array = np.asarray(tensor)
        found = _kind(array.dtype)
        if found is None:
            names = ", ".join(each.name for each in TYPES.values())
            raise TypeError(f"{name} must be of dtype {names}, not {array.dtype}")
        kind = found
        if kind is _BFLOAT16:
            array = array.view(np.uint16)
    else:
        raise TypeError(f"{name} must be a NumPy array or a tensor, not {type(tensor).__name__}")
    # Not ascontiguousarray, which makes one dimension of none.
    return np.asarray(array, kind.bits, order="C"), Geometry(array.shape, kind)


def as_buffer(out: Any, geometry: Geometry) -> NDArray[Any]:
    """Return a caller's buffer, NumPy's or PyTorch's, as elements of one dimension.

    Raises:
        TypeError, ValueError: it is of another dtype or shape, or not writeable and contiguous.
    """
    given = out
    if _is_torch(out):
        if not out.is_contiguous() or out.device.type != "cpu" or out.is_conj() or out.is_neg():
            raise ValueError("out must be contiguous, on the CPU and no lazy conjugate")
        out, kind = _from_torch(out, "out")
    elif isinstance(out, np.ndarray):
        kind = _kind(out.dtype) or geometry.kind
    else:
        raise TypeError(f"out must be a NumPy array or a tensor, not {type(given).__name__}")
    if (kind.bits if kind is _BFLOAT16 else out.dtype) != geometry.kind.bits:
        raise TypeError(f"out must be of dtype {geometry.kind.name}, not {given.dtype}")
    if out.shape != geometry.shape:
        raise ValueError(f"out must have shape {geometry.shape!r}, not {tuple(out.shape)!r}")
    if not out.flags.c_contiguous or not out.flags.writeable:
        raise ValueError("out must be contiguous and writeable")
    flat: NDArray[Any] = out.reshape(-1).view(geometry.kind.bits)
    return flat


def presented(array: NDArray[Any], kind: ElementType) -> NDArray[Any]:
    """Return elements as callers get them: bfloat16 as ml_dtypes' if that is installed."""
    if kind is _BFLOAT16 and (own := _ml_bfloat16()) is not None:
        return array.view(own)
    return array


def like_torch(array: NDArray[Any], kind: ElementType) -> Any:
    """Return a PyTorch tensor of its own memory; bfloat16 as such."""
    torch = importlib.import_module("torch")
    if kind is _BFLOAT16:
        return torch.from_numpy(array.view(np.int16).copy()).view(torch.bfloat16)
    return torch.from_numpy(array.copy())


def _is_torch(tensor: object) -> bool:
    # Whoever has a tensor has imported PyTorch; nobody else needs to.
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(tensor, torch.Tensor)


def _from_torch(tensor: Any, name: str) -> tuple[NDArray[Any], ElementType]:
    torch = sys.modules["torch"]
    if tensor.layout != torch.strided:
        raise TypeError(f"{name} must be a dense tensor, not {tensor.layout}")
    tensor = tensor.detach().cpu().resolve_conj().resolve_neg()
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().view(np.uint16), _BFLOAT16
    try:
        array = tensor.numpy()
    except TypeError:
        array = None
    kind = None if array is None else _kind(array.dtype)
    if array is None or kind is None:
        names = ", ".join(each.name for each in TYPES.values())
        raise TypeError(f"{name} must be of dtype {names}, not {tensor.dtype}")
    return array, kind


def _kind(dtype: "np.dtype[Any]") -> ElementType | None:
    if dtype.name == "bfloat16":
        return _BFLOAT16
    return _BY_BITS.get(dtype.newbyteorder("<")) if dtype.kind in "biufc" else None


@cache
def _ml_bfloat16() -> Any:
    try:
        return importlib.import_module("ml_dtypes").bfloat16
    except ImportError:
        return None
