"""Commands that are begun only: who comes next waits for them, even without their interrupt."""

import numpy as np
import pytest

from engram.arch.commands import Command, Fault, Opcode
from engram.arch.laws import LAWS
from engram.arch.regs import REGISTERS
from engram.errors import DeviceFault
from engram.numpy_laws import generate
from tests.fpga.buses import LateBus, accelerator, golden_bus

FENCE = Command(Opcode.FENCE)


def test_the_doorbell_rings_and_nobody_waits() -> None:
    bus = LateBus(5)
    device = accelerator(bus)
    tenant = device.join(LAWS[1], 7)
    with device.session():
        device.begin(tenant, FENCE)
    assert len(bus.heads) == 1
    assert bus.waits == []


@pytest.mark.parametrize("patience", [0, 3])
def test_the_next_job_waits_for_them_before_its_own(patience) -> None:
    bus = LateBus(patience)
    device = accelerator(bus)
    tenant = device.join(LAWS[1], 7)
    buffer = device.staging.outbound
    with device.session():
        device.begin(tenant, Command(Opcode.FILL, 0, 5, buffer))
        (completion,) = device.run(tenant, [Command(Opcode.FILL, 1000, 5, buffer)])
        found = device.staging.take(5).copy()
    assert completion.fault is Fault.OK
    assert bus.heads == [0, 2]  # SELECT and FILL were done when the second doorbell rang
    assert (found == generate(LAWS[1], 7, np.arange(1000, 1005, dtype=np.uint64))).all()


def test_a_session_waits_for_them_too() -> None:
    bus = LateBus(2)
    device = accelerator(bus)
    tenant = device.join(LAWS[1], 7)
    with device.session():
        device.begin(tenant, FENCE)
    with device.session():
        assert bus.accelerator.read(REGISTERS["RING_HEAD"].offset) == 2


def test_they_are_found_done_where_somebody_cleared_their_interrupt() -> None:
    bus = LateBus(0)
    device = accelerator(bus)
    tenant = device.join(LAWS[1], 7)
    with device.session():
        device.begin(tenant, FENCE)
        assert bus.wait_irq(1.0)
        device.registers.put("IRQ_STATUS", DONE=1)
        waits = len(bus.waits)
        device.begin(tenant, FENCE)
    assert len(bus.waits) == waits  # memory said so, and nobody waited for what was cleared


def test_more_than_the_ring_holds_is_refused() -> None:
    device = accelerator(golden_bus())
    tenant = device.join(LAWS[1], 7)
    with device.session(), pytest.raises(ValueError, match=r"commands must be 1\.\.8, not 9"):
        device.begin(tenant, *[FENCE] * 8)  # and a SELECT
    with device.session():
        device.do(tenant, FENCE)


def test_a_device_that_is_lost_is_given_nothing_more() -> None:
    bus = LateBus(0)
    device = accelerator(bus)
    tenant = device.join(LAWS[1], 7)
    device.close()
    doorbells = len(bus.heads)
    with pytest.raises(DeviceFault, match="is not used any more: it was closed"):
        device.begin(tenant, FENCE)
    assert len(bus.heads) == doorbells
