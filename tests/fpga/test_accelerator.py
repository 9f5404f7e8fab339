"""Bringing an accelerator up: whom it refuses, what it programs, and what it gives back."""

import numpy as np
import pytest

from engram.arch.accelerator import AcceleratorConfig
from engram.arch.laws import LAWS
from engram.arch.regs import REGISTERS
from engram.errors import DeviceFault, DeviceTimeout, DeviceUnavailable, VersionMismatch
from engram.fpga.backend import FpgaSpace
from engram.fpga.registers import Registers
from sim.golden.bus import GoldenBus
from tests.fpga.buses import RAM_BYTES, LateBus, accelerator, golden_bus


class ForgedBus(GoldenBus):
    """A bus on which some registers read otherwise."""

    forged: dict[str, int]

    def read(self, offset: int) -> int:
        register = REGISTERS.at(offset)
        assert register is not None
        value = self.forged.get(register.name)
        return super().read(offset) if value is None else value


def forged(**values: int) -> ForgedBus:
    bus = ForgedBus(dram_bytes=RAM_BYTES)
    bus.forged = values
    return bus


def test_something_else_on_the_bus_is_refused() -> None:
    with pytest.raises(DeviceUnavailable, match=r"identify itself as 0x454e4752, not 0xdead"):
        accelerator(forged(ID=0xDEAD))


@pytest.mark.parametrize("abi", [0, 2 << 16])
def test_another_abi_is_refused(abi) -> None:
    with pytest.raises(VersionMismatch, match=rf"has ABI {abi >> 16}\.0, .* needs 1\.0 or a later"):
        accelerator(forged(ABI=abi))


def test_a_later_minor_version_is_taken() -> None:
    assert accelerator(forged(ABI=1 << 16 | 7)).laws == (LAWS[1],)


def test_memory_beyond_its_reach_is_refused() -> None:
    bus = GoldenBus(AcceleratorConfig(address_bits=32), dram_bytes=RAM_BYTES, base=1 << 32)
    with pytest.raises(DeviceUnavailable, match="addresses of 32 bits, and its memory ends at"):
        accelerator(bus)


def test_a_device_that_does_not_come_to_rest_is_refused() -> None:
    with pytest.raises(DeviceUnavailable, match="did not come to rest"):
        accelerator(forged(STATUS=0))


def test_settings_are_checked() -> None:
    with pytest.raises(ValueError, match=r"frames must be in 1\.\.1048575, not 0"):
        accelerator(frames=0)
    with pytest.raises(ValueError, match="staging_bytes must be a multiple of 8192, not 4096"):
        accelerator(staging_bytes=4096)


def test_a_device_that_ran_before_is_reset() -> None:
    bus = golden_bus()
    first = accelerator(bus)
    FpgaSpace(LAWS[1], 5, accelerator=first).write_word(9, 9)
    again = accelerator(bus)
    space = FpgaSpace(LAWS[1], 5, accelerator=again)
    unwritten = FpgaSpace(LAWS[1], 5, accelerator=again).read_word(9)
    assert space.read_word(9) == unwritten != 9
    assert Registers(bus).read("FRAMES_USED") == 0


def test_a_law_that_is_not_built_is_refused_by_name() -> None:
    device = accelerator(golden_bus(laws=(1, 3)))
    with pytest.raises(DeviceUnavailable, match=r"law 2 \(vrns16\) cannot be had on fpga-golden"):
        FpgaSpace(LAWS[2], 0, accelerator=device)
    space = FpgaSpace(LAWS[1], 0, accelerator=device)
    with pytest.raises(DeviceUnavailable, match=r"law 4 \(feistel4\) .* 1 \(feistel6\), 3 \("):
        space.read_words(np.zeros(1, np.uint64), LAWS[4])
    space.read_words(np.zeros(1, np.uint64), LAWS[3])


def test_closing_gives_all_memory_back() -> None:
    bus = golden_bus()
    free = bus.allocator.free_bytes
    device = accelerator(bus)
    space = FpgaSpace(LAWS[1], 5, accelerator=device)
    assert bus.allocator.free_bytes < free
    device.close()
    device.close()
    assert bus.allocator.free_bytes == free
    assert Registers(bus).read("CONTROL") == 0
    with pytest.raises(DeviceFault, match="it was closed"):
        space.read_word(0)


def test_a_device_that_dies_is_lost_and_its_spaces_can_still_be_closed() -> None:
    bus = LateBus()
    device = accelerator(bus)
    space = FpgaSpace(LAWS[1], 5, accelerator=device)
    space.write_word(1, 1)
    assert not device.is_lost
    bus.patience = None
    with pytest.raises(DeviceTimeout):
        space.read_word(1)
    assert device.is_lost
    space.close()
    device.close()


def test_a_job_that_times_out_is_given_up_in_the_middle_of_a_space(caplog) -> None:
    bus = LateBus()
    device = accelerator(bus)
    space = FpgaSpace(LAWS[1], 5, accelerator=device)
    space.write_word(1, 1)
    bus.patience = None
    space.close()  # its erasure is never answered
    assert "frames of a space were lost" in caplog.text
    assert device.frames_free == device.frames - 1


def test_the_window_is_opened_by_name() -> None:
    bus = golden_bus()
    device = accelerator(bus)
    space = FpgaSpace(LAWS[1], 5, accelerator=device)
    space.write_range(0, np.arange(3, dtype=np.uint64))
    device.open_window(0, writable=True)
    assert [word for word, _ in bus.accelerator.window_read(0, 3)] == [0, 1, 2]
    assert not bus.accelerator.window_write(1, np.array([77], np.uint64))
    assert not bus.accelerator.window_write(600, np.array([78], np.uint64))
    assert space.read_word(1) == 77
    assert space.read_word(600) == 78
    # The last word the host wrote goes, and what a manager wrote beside it stays.
    assert not bus.accelerator.window_write(9, np.array([79], np.uint64))
    assert space.erase_words(np.arange(3, dtype=np.uint64)) == 3
    assert space.read_word(9) == 79
    assert Registers(bus).read("FRAMES_USED") == 2
