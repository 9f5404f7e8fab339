"""Both boards, from a file to a memory: what PYNQ finds in an overlay, and what it is left as."""

import re

import numpy as np
import pynq.ps
import pytest
from pynq import Clocks, Device, Overlay
from pynq.interrupt import _InterruptController

import engram
from engram.arch.boards import BOARDS, INSTANCE, PORT_BYTES, VLNVS
from engram.arch.laws import LAWS
from engram.arch.regs import ABI_MAJOR, IDENTITY, REGISTERS
from engram.fpga.board import FpgaBoardSpace
from engram.fpga.description import described_registers
from engram.fpga.pynq_bus import EngramIP, find_core, open_overlay
from engram.numpy_laws import generate
from sim.board.bitfile import GENERATED
from sim.board.device import PATIENCE, simulated_board

SEED = 21
ADDRESSES = np.array([0, 1, 511, 512, 2**40, 2**64 - 1], np.uint64)


@pytest.mark.parametrize("key", BOARDS)
def test_an_overlay_binds_the_driver_and_sets_the_clock(key) -> None:
    with simulated_board(key, memory_bytes=1 << 22) as device:
        overlay = Overlay(device.bitfile)
        ip = overlay.engram_0
        assert type(ip) is EngramIP
        assert find_core(overlay) is ip
        assert device.downloads == 1
        assert (ip.mmio.base_addr, ip.mmio.length) == (BOARDS[key].registers, PORT_BYTES)
        assert Clocks.fclk0_mhz == pytest.approx(BOARDS[key].clock_mhz, rel=1e-3)
        assert Clocks.cpu_mhz > 600
        assert device.bus.clock_hz == BOARDS[key].clock_mhz * 1e6
        assert ip.title == f"{BOARDS[key].names[0]} {INSTANCE}"


@pytest.mark.parametrize("key", BOARDS)
def test_registers_have_names_and_fields(key) -> None:
    with simulated_board(key, memory_bytes=1 << 22) as device:
        registers = open_overlay(device.bitfile).register_map
        assert registers.ID[31:0] == IDENTITY
        assert registers.ABI.MAJOR == ABI_MAJOR
        assert registers.STATUS.IDLE == 1
        assert registers.LAWS[31:0] == sum(1 << number for number in LAWS)
        registers.FRAME_COUNT.VALUE = 77
        assert registers.FRAME_COUNT.VALUE == 77
        assert device.bus.read(REGISTERS["FRAME_COUNT"].offset) == 77
        assert "ADDRESS_BITS=40" in repr(registers)


@pytest.mark.parametrize("key", BOARDS)
def test_the_handoff_has_the_registers_that_the_driver_gives_names(key) -> None:
    with simulated_board(key, memory_bytes=1 << 22) as device:
        device.set_bitfile_name(device.bitfile)
        found = device.ip_dict[INSTANCE]["registers"]
        ours = described_registers()
        assert list(found) == list(ours)
        for name, register in found.items():
            assert register["address_offset"] == ours[name]["address_offset"]
            places = {f: (v["bit_offset"], v["bit_width"]) for f, v in register["fields"].items()}
            assert places == {
                field: (one["bit_offset"], one["bit_width"])
                for field, one in ours[name]["fields"].items()
            }


@pytest.mark.parametrize("key", BOARDS)
@pytest.mark.parametrize("polls", [0, 64])
def test_words_come_from_each_board(key, polls) -> None:
    with simulated_board(key, memory_bytes=1 << 24) as device:
        core = open_overlay(device.bitfile)
        accelerator = core.accelerator(frames=64, polls=polls, patience=PATIENCE)
        assert accelerator.laws == tuple(LAWS.values())
        for law in LAWS.values():
            tenant = accelerator.join(law, SEED)
            accelerator.leave(tenant)
        accelerator.close()


def test_two_boards_one_after_the_other_share_nothing() -> None:
    for key in ("pynq-z2", "kv260", "pynq-z2"):
        with simulated_board(key) as device:
            FpgaBoardSpace.use(open_overlay(device.bitfile))
            assert FpgaBoardSpace.missing() == ""
            FpgaBoardSpace._shared = FpgaBoardSpace._chosen.accelerator(patience=PATIENCE)
            with engram.open(device="fpga", seed=SEED) as memory:
                law = LAWS[1]
                assert (memory.read(ADDRESSES) == generate(law, SEED, ADDRESSES)).all()
                memory[512] = 8
                assert memory[512] == 8
                assert memory[513] == generate(law, SEED, np.array([513], np.uint64))[0]
            FpgaBoardSpace._shared.close()
    FpgaBoardSpace._chosen = FpgaBoardSpace._shared = None


def test_closing_a_board_leaves_pynq_as_it_was(monkeypatch) -> None:
    monkeypatch.delattr(Device, "_active_device", raising=False)

    def state() -> tuple[object, ...]:
        return (
            vars(Device).get("_active_device", "none was asked for"),
            vars(Clocks).get("_real_instance"),
            pynq.ps.CPU_ARCH,
            list(_InterruptController._controllers),
            dict(_InterruptController._uio_devices),
        )

    before = state()
    with simulated_board("pynq-z2", memory_bytes=1 << 24) as outer:
        accelerator = open_overlay(outer.bitfile).accelerator(frames=16, polls=0, patience=PATIENCE)
        accelerator.leave(accelerator.join(LAWS[1], 1))
        between = state()
        assert between != before
        with simulated_board("kv260", memory_bytes=1 << 22) as inner:
            open_overlay(inner.bitfile)
            assert Device.active_device is inner
        inner.close()
        assert state() == between
        tenant = accelerator.join(LAWS[1], 2)
        accelerator.leave(tenant)
        accelerator.close()
    assert state() == before


def test_a_board_that_was_closed_answers_no_more() -> None:
    with simulated_board("pynq-z2", memory_bytes=1 << 22) as device:
        ip = open_overlay(device.bitfile)
    with pytest.raises(RuntimeError, match="Pynq-Z2 is closed"):
        ip.mmio.read(0)


def test_a_board_must_be_known() -> None:
    with pytest.raises(ValueError, match="key must be one of pynq-z2, kv260, not 'zedboard'"):
        simulated_board("zedboard")


def with_ports_exchanged(text: str) -> str:
    """Return a hand-off with the window behind the later of the processor's two ports."""

    def exchange(line: str) -> str:
        if "<MEMRANGE" not in line or f'INSTANCE="{INSTANCE}"' not in line:
            return line
        return re.sub("(?<=M_AXI_GP)[01]", lambda number: str(1 - int(number[0])), line)

    return "\n".join(map(exchange, text.splitlines()))


@pytest.mark.parametrize("exchanged", [False, True])
def test_the_window_is_plain_memory_and_does_not_hide_the_registers(exchanged) -> None:
    handoff = (GENERATED / "pynq-z2" / "engram.hwh").read_text()
    if exchanged:
        handoff = with_ports_exchanged(handoff)
    with simulated_board("pynq-z2", memory_bytes=1 << 24, handoff=handoff) as device:
        device.set_bitfile_name(device.bitfile)
        # The trap: PYNQ describes a core by one port only, the last.
        board = BOARDS["pynq-z2"]
        last = board.window if exchanged else board.registers
        assert device.ip_dict[INSTANCE]["phys_addr"] == last
        ip = open_overlay(device.bitfile)
        assert ip.mmio.base_addr == board.registers
        assert ip.register_map.ID[31:0] == IDENTITY
        accelerator = ip.accelerator(frames=16, patience=PATIENCE)
        FpgaBoardSpace.use(ip)
        FpgaBoardSpace._shared = accelerator
        with engram.open(device="fpga", seed=SEED) as memory:
            memory[3] = 2**64 - 5
            assert len(ip.window) == 1 << 28
            with pytest.raises(RuntimeError, match="bus error"):
                ip.window[0]
            accelerator.open_window(0, writable=True)
            words = ip.window.view(np.uint64)
            assert (np.asarray(words[:6]) == memory.read(0, 6)).all()
            assert words[3] == 2**64 - 5
            words[4] = 2**63 + 9
            assert memory[4] == 2**63 + 9
            words[5:7] = [1, 2]
            assert memory.read(5, 2).tolist() == [1, 2]
            assert words[-1] == generate(LAWS[1], SEED, np.array([2**27 - 1], np.uint64))[0]
            with pytest.raises(IndexError, match="out of bounds"):
                words[1 << 27]
        accelerator.close()
    FpgaBoardSpace._chosen = FpgaBoardSpace._shared = None


def test_a_core_in_a_block_design_of_ones_own_is_bound_by_its_module_name() -> None:
    text = (GENERATED / "pynq-z2" / "engram.hwh").read_text()
    handoff = text.replace("engram:memory:engram:1.0", "xilinx.com:module_ref:engram:1.0")
    assert "xilinx.com:module_ref:engram:1.0" in VLNVS
    with simulated_board("pynq-z2", memory_bytes=1 << 22, handoff=handoff) as device:
        assert open_overlay(device.bitfile).register_map.ID[31:0] == IDENTITY


def test_a_window_that_no_processor_reaches_is_none() -> None:
    text = (GENERATED / "pynq-z2" / "engram.hwh").read_text()
    lines = [line for line in text.splitlines() if 'SLAVEBUSINTERFACE="S_AXI"' not in line]
    handoff = "\n".join(lines)
    with simulated_board("pynq-z2", memory_bytes=1 << 22, handoff=handoff) as device:
        assert open_overlay(device.bitfile).window is None
