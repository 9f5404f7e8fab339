"""What goes wrong on a board is noticed, has a name, and ends: nothing hangs, nothing is silent."""

import time

import numpy as np
import pytest
from pynq import Overlay
from pynq.interrupt import _InterruptController

from engram.arch.laws import LAWS
from engram.arch.regs import ABI_MAJOR, REGISTERS
from engram.errors import (
    DeviceFault,
    DeviceTimeout,
    DeviceUnavailable,
    VersionMismatch,
)
from engram.fpga.backend import FpgaSpace
from engram.fpga.board import FpgaBoardSpace
from engram.fpga.pynq_buffer import PynqBuffer
from engram.fpga.pynq_bus import PynqBus, find_core, open_overlay
from engram.numpy_laws import generate
from sim.board.bitfile import GENERATED
from sim.board.buffers import BufferObject
from sim.board.device import simulated_board

LAW = LAWS[1]
SEED = 5
GATHERED = np.array([3, 2**63, 12345], np.uint64)
# Seconds of this machine that a command of one word is waited for, and what the rest may take.
BOUND = 1.0 + 9.0


def space_on(accelerator) -> FpgaSpace:
    return FpgaSpace(LAW, SEED, accelerator=accelerator)


@pytest.mark.parametrize("polls", [0, 64])
@pytest.mark.parametrize("forgotten", ["flush", "invalidate"])
def test_a_cache_that_is_not_minded_is_noticed(bring_up, monkeypatch, forgotten, polls) -> None:
    accelerator = bring_up(polls=polls, patience=1.0)
    space = space_on(accelerator)
    assert (space.read_words(GATHERED, LAW) == generate(LAW, SEED, GATHERED)).all()
    monkeypatch.setattr(PynqBuffer, forgotten, lambda self, start=0, size=None: None)
    start = time.monotonic()
    try:
        wrong = (space.read_words(GATHERED + 1, LAW) != generate(LAW, SEED, GATHERED + 1)).any()
    except (DeviceFault, DeviceTimeout):
        wrong = True
    assert wrong
    assert time.monotonic() - start < BOUND


@pytest.mark.parametrize("half", ["inbound", "outbound"])
def test_the_words_of_a_job_are_exchanged_too(bring_up, monkeypatch, half) -> None:
    """Only the staging memory is not minded, so every command completes."""
    accelerator = bring_up(patience=1.0)
    space = space_on(accelerator)
    space.read_words(GATHERED, LAW)
    name = "flush" if half == "inbound" else "invalidate"
    monkeypatch.setattr(accelerator.staging._buffer, name, lambda start=0, size=None: None)
    found = space.read_words(GATHERED + 1, LAW)
    assert (found != generate(LAW, SEED, GATHERED + 1)).all()


def test_another_core_is_refused(board, ip) -> None:
    board.core.forced[REGISTERS["ID"].offset] = 0xDEAD_BEEF
    with pytest.raises(DeviceUnavailable, match="must identify itself as 0x454e4752, not 0xdead"):
        ip.accelerator()


@pytest.mark.parametrize("abi", [ABI_MAJOR + 1 << 16, 0])
def test_a_core_of_another_release_is_refused(board, ip, abi) -> None:
    board.core.forced[REGISTERS["ABI"].offset] = abi
    with pytest.raises(VersionMismatch, match=rf"has ABI {abi >> 16}\.0, and this driver needs"):
        ip.accelerator()
    assert ip.bus is not None


def test_an_access_that_is_not_answered_is_a_fault_with_its_offset(board, ip, bring_up) -> None:
    space = space_on(bring_up(polls=0))
    board.core.is_silent = True
    tail, base = REGISTERS["RING_TAIL"].offset, board.board.registers
    with pytest.raises(
        DeviceFault, match=f"writing register 0x{tail:x} failed: bus error: {base + tail:#x}"
    ):
        space.read_word(1)
    with pytest.raises(DeviceFault, match="not used any more"):
        space.read_word(1)
    with pytest.raises(DeviceFault, match=f"reading register 0x0 failed: bus error: {base:#x} was"):
        PynqBus(ip).read(0)
    with pytest.raises(DeviceFault, match="reading register 0x0 failed"):
        ip.accelerator()


def test_an_overlay_without_anything_at_the_address_is_a_fault(board, ip) -> None:
    board._map.remove("core")
    with pytest.raises(DeviceFault, match=f"nothing is mapped at {board.board.registers:#x}"):
        ip.accelerator()


@pytest.mark.parametrize("polls", [0, 64])
def test_a_core_that_hangs_times_out(board, bring_up, polls) -> None:
    space = space_on(bring_up(polls=polls, patience=1.0))
    space.read_word(1)
    board.core.is_stuck = True
    start = time.monotonic()
    with pytest.raises(DeviceTimeout, match=r"1 commands from \w+ at 0x2 on were not completed"):
        space.read_word(2)
    assert 1.0 <= time.monotonic() - start < BOUND


def test_a_board_whose_core_hung_serves_again_once_it_is_loaded_anew(board, bring_up) -> None:
    lost = space_on(bring_up(polls=0, patience=1.0))
    board.core.is_stuck = True
    with pytest.raises(DeviceTimeout):
        lost.read_word(2)
    board.core.is_stuck = False
    again = open_overlay(board.bitfile)
    space = space_on(again.accelerator(frames=16))
    assert space.read_word(2) == generate(LAW, SEED, np.array([2], np.uint64))[0]


def test_memory_that_runs_out_is_a_fault_with_a_fix(ip) -> None:
    bus = PynqBus(ip)
    held = bus.allocate(20 << 20)
    with pytest.raises(DeviceFault, match=r"no room for 20971520 bytes .*cma="):
        bus.allocate(20 << 20)
    held.free()
    held.free()
    bus.allocate(20 << 20)
    for size, align in ((0, 1), (-1, 1), (1, 3), (1, 0)):
        with pytest.raises(ValueError, match="must be"):
            bus.allocate(size, align)


def test_buffers_are_aligned_and_bounded(ip) -> None:
    bus = PynqBus(ip)
    for align in (1, 64, 4096, 1 << 16):
        buffer = bus.allocate(100, align)
        assert buffer.address % align == 0
        assert buffer.array.shape == (100,)
        assert buffer.array is buffer.array
        for bad in ((-1, 1), (0, 101), (101, None), (50, 51)):
            with pytest.raises(ValueError, match="start and size must be within 100 bytes"):
                buffer.flush(*bad)
    buffer.free()
    with pytest.raises(ValueError, match="after it was freed"):
        buffer.invalidate()


@pytest.mark.parametrize("align", [4096, 1 << 16])
@pytest.mark.parametrize("maker", ["PYNQ 3.0", "XRT of parts", "XRT of whole buffers"])
def test_a_part_of_a_buffer_is_exchanged_by_itself_if_it_can_be(
    board, ip, monkeypatch, maker, align
) -> None:
    board.buffers.exchange = None if maker == "PYNQ 3.0" else board._exchange
    whole = maker == "XRT of whole buffers"
    if whole:
        sync = BufferObject.sync
        monkeypatch.setattr(BufferObject, "sync", lambda self, direction: sync(self, direction))
    bus = PynqBus(ip)
    first = bus.allocate(100, 1)  # so that what is aligned lies within what was allocated
    buffer = bus.allocate(8192, align)
    assert buffer.address - first.address == align
    start = buffer.address - board.bus.base
    memory = board.bus.dram[start : start + 8192]
    memory[:] = 1
    assert (buffer.array == 0xCD).all()
    buffer.array[:] = 2
    buffer.flush(100, 50)
    assert (memory[100:150] == 2).all()
    assert (memory == 2).sum() == (8192 if whole else 50)
    memory[:] = 3
    buffer.invalidate(4000, 200)
    assert (buffer.array[4000:4200] == 3).all()
    assert (buffer.array == 3).sum() == (8192 if whole else 200)
    buffer.invalidate()
    assert (buffer.array == 3).all()


def test_closing_a_bus_frees_its_buffers(board, ip) -> None:
    free = board.bus.allocator.free_bytes
    bus = PynqBus(ip)
    held = bus.allocate(10_000)
    assert board.bus.allocator.free_bytes < free
    bus.close()
    assert board.bus.allocator.free_bytes == free
    with pytest.raises(ValueError, match="after it was freed"):
        held.flush()


def test_closing_gives_back_all_memory(board, ip) -> None:
    free = board.bus.allocator.free_bytes
    accelerator = ip.accelerator(frames=64)
    assert board.bus.allocator.free_bytes < free
    with pytest.raises(DeviceUnavailable, match="is in use already"):
        ip.accelerator(frames=64)
    accelerator.close()
    assert board.bus.allocator.free_bytes == free
    ip.accelerator(frames=64).close()


def test_an_accelerator_that_cannot_be_had_leaves_no_memory_behind(board, ip) -> None:
    free = board.bus.allocator.free_bytes
    with pytest.raises(DeviceFault, match="no room") as caught:
        ip.accelerator(frames=1 << 14)
    assert board.bus.allocator.free_bytes == free
    assert caught.tb is not None  # which keeps alive what was made before the fault


HANDOFF = (GENERATED / "pynq-z2" / "engram.hwh").read_text()


def test_an_overlay_without_the_core_says_what_there_is() -> None:
    other = HANDOFF.replace("engram:memory:engram:1.0", "acme:video:scaler:3.0")
    with (
        simulated_board("pynq-z2", memory_bytes=1 << 22, handoff=other) as device,
        pytest.raises(DeviceUnavailable, match=r"no core engram:.* engram_0 \(acme:video"),
    ):
        open_overlay(device.bitfile)


@pytest.mark.filterwarnings("ignore:IP engram_0 is of type")
def test_a_version_that_the_driver_does_not_know_is_told() -> None:
    other = HANDOFF.replace("engram:memory:engram:1.0", "engram:memory:engram:9.7")
    with (
        simulated_board("pynq-z2", memory_bytes=1 << 22, handoff=other) as device,
        pytest.raises(DeviceUnavailable, match=r"type engram:memory:engram:9\.7.*this driver"),
    ):
        open_overlay(device.bitfile)


def test_a_core_that_another_package_drives_is_told(board, monkeypatch) -> None:
    overlay = Overlay(board.bitfile)
    monkeypatch.setattr(type(overlay), "engram_0", object(), raising=False)
    with pytest.raises(DeviceUnavailable, match=r"is bound to builtins\.object: another package"):
        find_core(overlay)


def test_an_overlay_that_does_not_exist_is_told(board, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        DeviceUnavailable, match=r"overlay absent\.bit cannot be loaded .*ENGRAM_OV"
    ):
        open_overlay("absent.bit")
    monkeypatch.setenv("ENGRAM_OVERLAY", "named.bit")
    with pytest.raises(DeviceUnavailable, match=r"overlay named\.bit cannot be loaded"):
        open_overlay()
    (tmp_path / "alone.bit").touch()
    with pytest.raises(DeviceUnavailable, match=r"overlay alone\.bit cannot be loaded .*metadata"):
        open_overlay("alone.bit")


def test_registers_that_only_root_may_map_are_told(board, monkeypatch) -> None:
    def refuse(base: int, length: int) -> None:
        raise OSError("Root permissions required.")

    monkeypatch.setattr(board, "mmap", refuse)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(DeviceUnavailable, match="by root only"):
        open_overlay(board.bitfile)


def test_without_a_device_the_fix_is_told(monkeypatch) -> None:
    monkeypatch.delenv("XILINX_XRT", raising=False)
    with (
        pytest.warns(UserWarning, match="No devices found"),
        pytest.raises(DeviceUnavailable, match=r"XILINX_XRT is not set: `source"),
    ):
        open_overlay("engram.bit")
    monkeypatch.setenv("XILINX_XRT", "/usr")
    with pytest.raises(DeviceUnavailable, match="PYNQ finds no device here: No Devices Found"):
        open_overlay("engram.bit")


def test_pynq_4_on_a_zynq_7000_is_told(board, monkeypatch) -> None:
    versions = {"pynq": "4.0.0", "numpy": "1.26.4", "setuptools": "80.0", "pycparser": "2.22"}
    monkeypatch.setattr("engram.fpga.pynq_bus.installed", lambda: versions)
    with pytest.raises(DeviceUnavailable, match=r"PYNQ 4\.0\.0 does not support the Zynq-7000"):
        open_overlay(board.bitfile)


def test_a_board_whose_overlay_changed_says_that_its_interrupt_is_gone(board, bring_up) -> None:
    space = space_on(bring_up(polls=0))
    space.read_word(1)
    board.timestamp = "another"
    _InterruptController._controllers.clear()
    with pytest.raises(DeviceFault, match=r"interrupt cannot be awaited: Interrupt invalidated"):
        space.read_word(2)


def test_an_ip_that_is_none_is_refused() -> None:
    with pytest.raises(TypeError, match="ip must be an EngramIP, not 7"):
        FpgaBoardSpace.use(7)
