"""The list of kernels to compile, filled by the ``kernel`` decorator."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba

__all__ = ["KERNELS", "Kernel", "function", "inlined", "kernel"]

# A kernel cannot raise, so its parts may not either: no checks of division, and by the rule of
# ``engram.cpu.compiler`` no call of anything outside, such as numba's for an exception.
function = numba.njit(error_model="numpy")
inlined = numba.njit(error_model="numpy", inline="always")


@dataclass(frozen=True)
class Kernel:
    """A kernel's Python source function, its number of arguments, and whether it drops the GIL."""

    function: Callable[..., Any]
    arguments: int
    nogil: bool


KERNELS: dict[str, Kernel] = {}


def kernel(*, nogil: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function of uint64s that returns a uint64.

    Kernels of a single word keep the interpreter lock: giving it back would cost more than they
    do, and holding it makes them atomic for every thread of Python.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        KERNELS[function.__name__] = Kernel(function, function.__code__.co_argcount, nogil)
        return function

    return register
