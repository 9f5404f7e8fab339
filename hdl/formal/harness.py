"""What harnesses of proofs share: values of the clock before, and a clock that has one."""

from typing import Any

from amaranth import Module, Signal

__all__ = ["has_past", "past"]


def past(m: Module, value: Any, *, name: str) -> Signal:
    """Return a value as it was in the clock before."""
    register = Signal(value.shape(), name=f"past_{name}")
    m.d.sync += register.eq(value)
    return register


def has_past(m: Module) -> Signal:
    """Return a signal that is low in the first clock and high ever after."""
    started = Signal(name="has_past")
    m.d.sync += started.eq(1)
    return started
