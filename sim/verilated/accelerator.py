"""The accelerator's gateware behind a bus: made from its source, compiled once."""

from functools import lru_cache
from pathlib import Path

from amaranth.back import verilog

from engram.arch.accelerator import AcceleratorConfig
from engram.arch.laws import LAWS
from hdl.top import Engram
from sim.verilated.bus import VerilatedBus
from sim.verilated.library import build

__all__ = ["accelerator_bus"]

_MODULE = "engram"


def accelerator_bus(
    config: AcceleratorConfig | None = None,
    *,
    fast: bool = True,
    trace: bool = False,
    dram_bytes: int = 1 << 30,
) -> VerilatedBus:
    """Return a bus to an accelerator of this configuration, reset; by default it has every law.

    ``fast``: Yosys simplifies the design first. ``trace``: the bus can write a waveform.
    """
    library = _library(config or AcceleratorConfig(laws=tuple(LAWS)), fast, trace)
    bus = VerilatedBus(library, dram_bytes=dram_bytes)
    bus.reset()
    return bus


@lru_cache(maxsize=4)
def _library(config: AcceleratorConfig, fast: bool, trace: bool) -> Path:
    """Return a design's library; to write its Verilog, only to find that, takes seconds."""
    text = verilog.convert(Engram(config), name=_MODULE, strip_internal_attrs=True, emit_src=False)
    return build(text, _MODULE, fast=fast, trace=trace)
