"""One thread of BLAS for the small products of codecs, which wait longer for two than they take."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

__all__ = ["one_thread"]

_lock = threading.Lock()
_inside = 0
_before: list[int] = []


@cache
def _libraries() -> list[Any]:
    """Return the BLAS libraries of this process, or none if nobody can tell."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return []
    np.linalg.inv(np.eye(1))  # so that NumPy's is loaded
    controller = ThreadpoolController().select(user_api="blas")
    return list(controller.lib_controllers)


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold BLAS to one thread; of several threads in here the last to leave gives back the rest.

    Needs threadpoolctl (``pip install engram[tensors]``); without it nothing happens. Results do
    not depend on it: see ``engram.codecs.expansion``.
    """
    global _inside, _before
    with _lock:
        if _inside == 0:
            _before = [library.get_num_threads() for library in _libraries()]
            for library in _libraries():
                library.set_num_threads(1)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                for library, threads in zip(_libraries(), _before, strict=True):
                    library.set_num_threads(threads)
