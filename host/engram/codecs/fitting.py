"""Tensor networks in the making: each core fitted to the rounded ones before it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engram.arch.payloads.networks import STATE_BITS, NetworkLayout
from engram.codecs.contraction import first_state, narrow, next_state

__all__ = ["Candidate", "Fitting", "Network", "empty_layout", "rounded_columns"]

Reals = NDArray[np.float64]
Integers = NDArray[np.int64]

_FEW = 1 << 12


@dataclass(frozen=True)
class Network:
    """A layout and its cores."""

    layout: NetworkLayout
    cores: list[Integers]

    def payload(self) -> bytes:
        """Return the bytes of it."""
        out = bytearray(self.layout.places[-1])
        header = self.layout.header()
        out[: len(header)] = header
        widths, places = self.layout.widths, self.layout.places
        for core, width, at in zip(self.cores, widths, places, strict=False):
            integers = core.astype(f"<i{width // 8}").tobytes()
            out[at : at + len(integers)] = integers
        return bytes(out)


@dataclass(frozen=True)
class Candidate:
    """A network that can be built: its size, and an error that it cannot beat."""

    nbytes: int
    least: float
    build: Callable[[], Network]

    @classmethod
    def of(
        cls, layout: NetworkLayout, box: Reals, tails: list[float], build: Callable[[], Network]
    ) -> "Candidate":
        """Return one of this layout, whose ranks alone leave out ``tails`` on the axes."""
        # Rounding costs many numbers at least an eighth of a step, but may spare a few of them.
        rounding = 2.0 ** -(layout.width + 3) if box.size > _FEW else 0.0
        return cls(layout.places[-1], max([rounding, *tails]), build)


class Fitting:
    """A network in the making: the law's own states after the axes that have their cores."""

    def __init__(self, layout: NetworkLayout, box: Reals, own: Integers | None = None) -> None:
        """Begin with no core, or with tucker's own."""
        self.box = box
        self._layout = layout
        self.cores: list[Integers] = [] if own is None else [own]
        self.state = first_state(layout, self.cores)
        self._axis = 0

    def add(self, core: Integers) -> None:
        """Contract the next axis, but the last, with its core."""
        axis, layout = self._axis, self._layout
        self.cores.append(core)
        rows = len(self.state) * layout.lengths[axis]
        state = next_state(layout, self.cores, axis, self.state, 0, rows)
        bits = int(np.abs(state).max(initial=0)).bit_length()
        shift = max(0, bits - (STATE_BITS - 1))
        shifts = (*layout.shifts[:axis], shift, *layout.shifts[axis + 1 :])
        self._layout = replace(layout, shifts=shifts)
        self.state = narrow(state, shift)
        self._axis += 1

    def fitted(self) -> Reals:
        """Return what the next cores should make of each integer of a state: least squares."""
        gram = self.state.T @ self.state
        flat = self.box.reshape(len(self.state), -1)
        found = np.linalg.lstsq(gram, self.state.T @ flat, rcond=None)[0]
        return found.astype(np.float64, copy=False)

    def finish(self, scale: int) -> Network:
        """Fit, round and add the last core; numbers are those of the box times 2**scale."""
        most = (1 << (self._layout.width - 1)) - 1
        fitted = self.fitted()
        step = _step(fitted, most)
        last = np.rint(np.ldexp(fitted, -step)).astype(np.int64)
        train = self._layout.codec == "train"
        self.cores.append(last[:, :, None] if train else last.T)
        layout = replace(self._layout, exponent=max(-1074, min(1023, step + scale)))
        return Network(layout, self.cores)


def empty_layout(
    codec: str, box: Reals, width: int, ranks: tuple[int, ...], core_width: int = 0
) -> NetworkLayout:
    """Return a layout that knows all but its shifts and its exponent."""
    none = (0,) * box.ndim
    return NetworkLayout(codec, width, core_width, 0, box.shape, ranks, none)


def _step(numbers: Reals, most: int) -> int:
    """Return the least power of two of which no number is more than ``most`` times."""
    largest = float(np.abs(numbers).max(initial=0.0))
    return int(np.frexp(largest / most)[1]) if largest else 0


def rounded_columns(matrix: Reals, width: int) -> Integers:
    """Return columns as integers, each scaled to the largest that there is."""
    most = (1 << (width - 1)) - 1
    largest: Reals = np.abs(matrix).max(axis=0)
    rounded = np.rint(matrix * (most / np.where(largest > 0, largest, 1.0)))
    return rounded.astype(np.int64)
