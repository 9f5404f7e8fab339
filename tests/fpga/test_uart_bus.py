"""The bus over a serial line: what it moves, what it survives, and how it gives up."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import engram
import engram.fpga.uart
from engram.arch.accelerator import AcceleratorConfig
from engram.arch.elements import ELEMENTS
from engram.arch.laws import LAWS
from engram.arch.regs import IDENTITY, REGISTERS
from engram.arch.uart import MAX_PAYLOAD, Status, answer
from engram.errors import DeviceFault, DeviceTimeout, DeviceUnavailable, VersionMismatch
from engram.fpga.backend import FpgaSpace
from engram.fpga.uart import FpgaUartSpace, SerialLine, accelerator_on
from engram.fpga.uart_bus import UartBus
from engram.registry import devices
from sim.golden.backend import GoldenSpace
from sim.golden.bus import GoldenBus
from sim.serial.golden import GoldenBoard, GoldenBridge, GoldenLine
from sim.serial.terminal import Terminal
from tests.fpga.buses import random_words

PAGE = Path(__file__).parents[2] / "docs" / "ulx3s.md"
RAM_BYTES = 1 << 18
ID = REGISTERS["ID"].offset


class FaultyLine(GoldenLine):
    """A line that does things to answers, or to requests, one after the other.

    Each of ``faults`` is a function of an answer's bytes; None leaves one as it is.
    """

    def __init__(self, bridge, faults=(), requests=()):
        super().__init__(bridge)
        self.faults = list(faults)
        self.requests = list(requests)
        self.written = []

    def write(self, content):
        self.written.append(content)
        if self.requests:
            content = (self.requests.pop(0) or (lambda frame: frame))(content)
        before = self._come
        super().write(content)
        if self.faults and len(self._come) > len(before):
            said = self._come[len(before) :]
            self._come = before + (self.faults.pop(0) or (lambda frame: frame))(said)


def golden_bridge(ram_bytes: int = RAM_BYTES, **settings: int) -> GoldenBridge:
    config = AcceleratorConfig(laws=tuple(LAWS), address_bits=32)
    return GoldenBridge(GoldenBoard(GoldenBus(config, dram_bytes=ram_bytes)), **settings)


def bus_on(line) -> UartBus:
    bus = UartBus(line, timeout=0.5)
    line.seconds = 0.0
    return bus


@pytest.fixture
def line() -> FaultyLine:
    return FaultyLine(golden_bridge())


@pytest.fixture
def bus(line) -> UartBus:
    return bus_on(line)


def flip(place, bit=0):
    return lambda frame: frame[:place] + bytes([frame[place] ^ 1 << bit]) + frame[place + 1 :]


def lose(place):
    return lambda frame: frame[:place] + frame[place + 1 :]


def nothing(frame):
    return b""


def test_registers_are_read_and_written(bus) -> None:
    assert bus.read(ID) == IDENTITY
    bus.write(REGISTERS["RING_TAIL"].offset, 0)
    bus.write(REGISTERS["BUFFER_BASE_LO"].offset, 0x1234_5678)
    assert bus.read(REGISTERS["BUFFER_BASE_LO"].offset) == 0x1234_5678
    assert bus.repeats == 0


@pytest.mark.parametrize("offset", [-4, 2, 1 << 32])
def test_offsets_that_no_register_has_are_refused(bus, offset) -> None:
    with pytest.raises(ValueError, match=f"offset must be a multiple of 4 below .*, not {offset}"):
        bus.read(offset)
    with pytest.raises(ValueError, match="offset must be"):
        bus.write(offset, 0)


@pytest.mark.parametrize("value", [-1, 1 << 32])
def test_values_that_do_not_fit_are_refused(bus, value) -> None:
    with pytest.raises(ValueError, match=rf"value must be in 0\.\.2\*\*32-1, not {value}"):
        bus.write(0, value)


def test_what_the_bus_refuses_is_a_fault(bus) -> None:
    with pytest.raises(DeviceFault, match=r"reading register 0xf8: refused \(SLVERR\)"):
        bus.read(0xF8)
    with pytest.raises(DeviceFault, match=r"register 0x1000: nothing is there \(DECERR\)"):
        bus.write(0x1000, 1)
    with pytest.raises(DeviceFault, match=r"reading 8 bytes at 0x8: nothing is there \(DECERR\)"):
        bus.get(8, 8)
    with pytest.raises(DeviceFault, match="the bridge has no such range"):
        bus.get(bus.identity.memory_base, MAX_PAYLOAD + 8)
    assert bus.repeats == 0


def test_a_buffer_is_a_copy_of_which_ranges_are_moved(bus, line) -> None:
    first, buffer = bus.allocate(64, 8), bus.allocate(3001, 8)
    memory = line.bridge.board.memory
    memory[:] = 0xEE
    assert len(buffer.array) == 3001
    assert buffer.array is buffer.array
    buffer.array[:] = np.arange(3001) % 251
    start = buffer.address - bus.identity.memory_base
    assert (memory == 0xEE).all()
    line.written.clear()
    buffer.flush(16, 2056)
    assert [len(frame) - 13 for frame in line.written] == [1024, 1024, 8]
    assert (memory[start + 16 : start + 2072] == np.arange(16, 2072) % 251).all()
    assert (memory[: start + 16] == 0xEE).all()
    assert (memory[start + 2072 :] == 0xEE).all()
    memory[start + 2080 : start + 2120] = 7
    buffer.invalidate(2085, 5)  # the words in which they lie
    assert set(np.flatnonzero(buffer.array != np.arange(3001) % 251)) <= set(range(2080, 2096))
    assert (buffer.array[2085:2090] == 7).all()
    buffer.flush()
    buffer.invalidate()
    assert buffer.array[3000] == 3000 % 251
    assert (first.array == 0).all()
    line.written.clear()
    buffer.flush(5, 0)
    assert not line.written
    for start, size in ((-1, 2), (0, 3002), (3001, 1)):
        with pytest.raises(ValueError, match="start and size must be within 3001 bytes"):
            buffer.flush(start, size)


def test_memory_runs_out_and_comes_back(bus) -> None:
    whole = bus.allocate(RAM_BYTES)
    with pytest.raises(DeviceFault, match=f"no room for 1 bytes .*: 0 of {RAM_BYTES} bytes"):
        bus.allocate(1)
    whole.free()
    whole.free()
    assert bus.allocate(RAM_BYTES).address == bus.identity.memory_base
    for size, align in ((0, 8), (8, 3), (8, 0), (8, -8)):
        with pytest.raises(ValueError, match="must be"):
            bus.allocate(size, align)


FAULTS = {
    "mark": flip(0),
    "sequence": flip(1),
    "status": flip(2, 3),
    "length": flip(3, 1),
    "long": flip(4, 6),
    "payload": flip(6),
    "check": flip(-2),
    "lost": lose(5),
    "silent": nothing,
    "noise": lambda frame: b"\x00\xa5\x01" + frame,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_answer_is_asked_for_again(bus, line, fault) -> None:
    line.faults = [FAULTS[fault]]
    assert bus.read(ID) == IDENTITY
    assert bus.repeats == 1
    line.faults = [FAULTS[fault]]
    assert bus.get(bus.identity.memory_base, 64) == bytes(64)
    assert line.seconds < 3.0


@pytest.mark.parametrize("fault", FAULTS)
def test_two_damaged_answers_are_an_error_in_bounded_time(bus, line, fault) -> None:
    line.faults = [FAULTS[fault]] * 2
    expected = DeviceTimeout if fault == "silent" else DeviceFault
    with pytest.raises(expected, match=r"reading register 0x0 (failed 2 times; |was not answered)"):
        bus.read(ID)
    assert 0 < line.seconds < 3.0
    assert bus.read(ID) == IDENTITY


@pytest.mark.parametrize(
    "fault", [flip(0), flip(1), flip(2, 1), flip(8), lose(0), lose(4), nothing]
)
def test_a_damaged_request_is_given_again(bus, line, fault) -> None:
    value = 0x55AA_1234
    register = REGISTERS["BUFFER_BASE_LO"].offset
    line.requests = [fault]
    bus.write(register, value)
    assert bus.repeats == 1
    assert bus.read(register) == value


def test_an_answer_that_comes_too_late_is_not_taken_for_another(bus, line) -> None:
    kept = []

    def hold(frame):
        kept.append(frame)
        return b""

    line.faults = [hold, lambda frame: kept[0] + frame]
    register = REGISTERS["BUFFER_BASE_LO"].offset
    bus.write(register, 9)
    assert bus.repeats == 1
    assert bus.read(register) == 9
    # The answer to what was asked before the interrupt came.
    line.write(line.written[-1])
    assert bus.read(ID) == IDENTITY


def test_a_line_that_never_falls_silent_is_given_up(bus, line) -> None:
    asked = []

    def babble(count, seconds):
        asked.append(count)
        return b"\x00" * count

    line.read = babble
    with pytest.raises(DeviceFault, match="nothing but noise was answered"):
        bus.read(ID)
    assert len(asked) < 100_000


def test_an_answer_of_another_size_is_a_fault(bus, line) -> None:
    line.faults = [lambda frame: answer(frame[1], Status.OK, b"12")]
    with pytest.raises(DeviceFault, match="must be answered by 4 bytes, not 2"):
        bus.read(ID)
    line.faults = [lambda frame: answer(frame[1], 99)]
    with pytest.raises(DeviceFault, match="status 99 of the bridge"):
        bus.read(ID)


def test_a_hung_port_is_a_timeout_and_a_new_bus_resets_it(bus, line) -> None:
    bridge = line.bridge
    bridge.stalled.add("registers")
    for _ in range(2):
        with pytest.raises(DeviceTimeout, match="not answered by the accelerator for 65536 clocks"):
            bus.read(ID)
    assert bus.get(bus.identity.memory_base, 8) == bytes(8)
    assert bus_on(FaultyLine(bridge)).read(ID) == IDENTITY
    assert bridge.resets == 2


def test_a_wait_takes_as_long_as_it_is_told(bus, line) -> None:
    line.written.clear()
    assert not bus.wait_irq(0)
    assert line.bridge.waited == 0
    assert not bus.wait_irq(6.0)
    assert line.bridge.waited == pytest.approx(150e6, abs=1024)
    assert len(line.written) == 1 + 3  # a frame says up to 2.7 s
    with pytest.raises(ValueError, match="seconds must not be negative, not -1"):
        bus.wait_irq(-1)


class Deaf:
    """What never answers."""

    baud = 1_000_000

    def read(self, count, seconds):
        return b""

    def write(self, content):
        pass

    def close(self):
        pass


def test_nobody_at_the_other_end_is_named() -> None:
    with pytest.raises(DeviceUnavailable, match=r"no bridge answers .* speed of 9600 baud"):
        UartBus(Deaf(), baud=9600)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"magic": 7}, DeviceUnavailable, "must identify itself as a bridge, not as 0+"),
        ({"version": 2}, VersionMismatch, "speaks version 2 of .*, and this driver 1"),
    ],
)
def test_another_bridge_is_refused(change, error, message) -> None:
    bridge = golden_bridge()
    bridge.identity = replace(bridge.identity, **change)
    with pytest.raises(error, match=message):
        UartBus(GoldenLine(bridge))


def test_something_that_answers_too_little_is_refused() -> None:
    line = FaultyLine(golden_bridge(), [lambda frame: answer(frame[1], Status.OK, b"hi")])
    with pytest.raises(DeviceUnavailable, match="as a bridge, not as 6869"):
        UartBus(line)


def test_half_a_request_from_before_does_no_harm() -> None:
    line = GoldenLine(golden_bridge())
    line.write(b"\x5a\x01\x03")
    bus = bus_on(line)
    assert bus.read(ID) == IDENTITY
    assert bus.repeats == 0


def test_settings_are_checked() -> None:
    for settings, message in (
        ({"baud": 0}, "baud must be at least 1, not 0"),
        ({"timeout": 0}, "timeout must be above 0, not 0"),
    ):
        with pytest.raises(ValueError, match=message):
            UartBus(Deaf(), **settings)


def test_a_closed_bus_says_so(bus, line) -> None:
    bus.close()
    bus.close()
    assert line.closed
    for call in (lambda: bus.read(0), lambda: bus.allocate(8), lambda: bus.wait_irq(0)):
        with pytest.raises(ValueError, match="fpga-uart must not be closed"):
            call()


def test_a_space_on_it_is_the_law(bus) -> None:
    device = accelerator_on(bus)
    assert device.frames == 54
    space, golden = FpgaSpace(LAWS[1], 7, accelerator=device), GoldenSpace(LAWS[1], 7)
    before = bus.frames
    assert space.read_word(5) == golden.read_word(5)
    for each in (space, golden):
        each.write_range(500, random_words(1500, 1))
    assert space.read_word(505) == golden.read_word(505)
    # Descriptor, doorbell, a look, the interrupt's clearing, the completion, and the word.
    space.read_word(505)
    bus.frames = before
    space.read_word(505)
    assert bus.frames - before == 6


class CountingLine(GoldenLine):
    """A line that counts the bytes on it, both ways."""

    bytes = 0

    def read(self, count, seconds):
        content = super().read(count, seconds)
        self.bytes += len(content)
        return content

    def write(self, content):
        self.bytes += len(content)
        super().write(content)


def test_the_manual_says_what_a_call_costs_on_the_line() -> None:
    line = CountingLine(golden_bridge())
    bus = UartBus(line)
    device = accelerator_on(bus)
    space = FpgaSpace(LAWS[1], 7, accelerator=device)
    space.write_word(1, 1)
    many = np.empty(8192, np.uint64)
    calls = [
        (0, lambda: bus.read(ID)),
        (1, lambda: space.read_word(99_999)),
        (1, lambda: space.write_word(3, 1)),
        (2, lambda: space.read_range(99_999, 512, LAWS[1], ELEMENTS["uint64"], many[:512])),
        (2, lambda: space.write_range(0, many[:512])),
        (3, lambda: space.read_range(99_999, 8192, LAWS[1], ELEMENTS["uint64"], many)),
    ]
    rows = [row for row in PAGE.read_text().splitlines() if row.endswith(" ms |")]
    assert len(rows) == 4
    for number, call in calls:
        bus.frames = line.bytes = 0
        call()
        time = f"{line.bytes / 100:.{line.bytes < 1000:d}f} ms"
        assert rows[number].endswith(f"| {bus.frames} | {line.bytes:,} | {time} |")


def test_too_little_memory_is_named() -> None:
    bus = UartBus(GoldenLine(golden_bridge(8 << 12)))
    with pytest.raises(DeviceUnavailable, match="32768 bytes of memory, which leaves none for pag"):
        accelerator_on(bus)


def test_an_accelerator_that_does_not_answer_cannot_be_had() -> None:
    line = GoldenLine(golden_bridge())
    bus = UartBus(line)
    line.bridge.stalled.add("registers")
    with pytest.raises(DeviceUnavailable, match=r"cannot be brought up: .*register 0x0"):
        accelerator_on(bus)


@pytest.fixture
def nobody_shares(monkeypatch):
    """Have the device brought up in this test, and forgotten afterwards."""
    monkeypatch.setattr(FpgaUartSpace, "_shared", None)


def test_a_memory_lives_at_the_other_end(monkeypatch, nobody_shares) -> None:
    line = GoldenLine(golden_bridge())
    monkeypatch.setattr(engram.fpga.uart, "open_line", lambda: line)
    monkeypatch.setattr(FpgaUartSpace, "missing", classmethod(lambda cls: ""))
    with engram.open(device="fpga-uart", seed=3) as memory:
        with engram.open(device="golden", seed=3) as golden:
            assert memory[10**15] == golden[10**15]
        memory[42] = 7
        assert memory[42] == 7
        assert memory.erase(42)
        assert memory[42] != 7


def test_a_bus_whose_accelerator_cannot_be_had_is_closed(monkeypatch, nobody_shares) -> None:
    line = GoldenLine(golden_bridge())
    line.bridge.stalled.add("registers")
    monkeypatch.setattr(engram.fpga.uart, "open_line", lambda: line)
    with pytest.raises(DeviceUnavailable):
        FpgaUartSpace.accelerator()
    assert line.closed


def test_a_line_without_a_bridge_is_closed(monkeypatch, nobody_shares) -> None:
    line = GoldenLine(golden_bridge())
    line.write = lambda content: None
    monkeypatch.setattr(engram.fpga.uart, "open_line", lambda: line)
    with pytest.raises(DeviceUnavailable, match="no bridge answers"):
        FpgaUartSpace.accelerator()
    assert line.closed


def test_one_that_is_lost_is_brought_up_again_on_a_port_that_is_free(
    monkeypatch, nobody_shares
) -> None:
    bridge = golden_bridge()
    lines = []

    def open_line():
        assert all(line.closed for line in lines), "the port is in use"
        lines.append(GoldenLine(bridge))
        return lines[-1]

    monkeypatch.setattr(engram.fpga.uart, "open_line", open_line)
    lost = FpgaUartSpace(LAWS[1], 3)
    lost.write_word(1, 1)
    bridge.stalled.add("registers")
    with pytest.raises(DeviceTimeout):
        lost.read_word(1)
    again = FpgaUartSpace(LAWS[1], 3)
    assert again.read_word(1) == GoldenSpace(LAWS[1], 3).read_word(1)
    assert len(lines) == 2
    with pytest.raises(DeviceFault, match="not used any more"):
        lost.read_word(1)
    lost.close()


def test_what_is_missing_is_said(monkeypatch, nobody_shares) -> None:
    found = importlib.util.find_spec

    def status():
        return next(device for device in devices() if device.name == "fpga-uart")

    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: object() if name == "serial" else found(name)
    )
    assert "ENGRAM_UART names no serial port" in status().reason
    with pytest.raises(DeviceUnavailable, match="ENGRAM_UART names no serial port"):
        FpgaUartSpace.accelerator()
    monkeypatch.setenv("ENGRAM_UART", "/dev/ttyUSB0")
    assert status().available
    monkeypatch.setenv("ENGRAM_UART_BAUD", "fast")
    with pytest.raises(DeviceUnavailable, match="ENGRAM_UART_BAUD must be bits a second, not 'fa"):
        FpgaUartSpace.accelerator()
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "serial" else found(name)
    )
    assert "pip install 'engram[uart]'" in status().reason


needs_pyserial = pytest.mark.skipif(
    importlib.util.find_spec("serial") is None, reason="the package pyserial is not installed"
)


@needs_pyserial
def test_a_real_serial_port_carries_it(monkeypatch, nobody_shares) -> None:
    with Terminal(GoldenLine(golden_bridge())) as terminal:
        monkeypatch.setenv("ENGRAM_UART", terminal.path)
        with engram.open(device="fpga-uart", seed=3) as memory:
            memory.write(1000, np.arange(600, dtype=np.uint64))
            assert (memory.read(1000, 600) == np.arange(600)).all()
            with pytest.raises(DeviceUnavailable, match="cannot be opened"):
                SerialLine(terminal.path, 1_000_000)
        FpgaUartSpace.accelerator().close()


@needs_pyserial
def test_a_port_that_is_not_there_is_named() -> None:
    with pytest.raises(DeviceUnavailable, match="serial port /dev/no-such-port cannot be opened"):
        SerialLine("/dev/no-such-port", 1_000_000)


@needs_pyserial
def test_a_port_that_goes_away_is_a_timeout() -> None:
    terminal = Terminal(GoldenLine(golden_bridge()))
    line = SerialLine(terminal.path, 1_000_000)
    terminal.close()
    for call in (lambda: line.write(b"x"), lambda: line.read(1, 0.05)):
        with pytest.raises(DeviceTimeout, match=r"serial port .* is gone"):
            call()
    line.close()
    line.close()


@pytest.mark.skipif(
    importlib.util.find_spec("serial") is not None, reason="the package pyserial is installed"
)
def test_without_pyserial_a_port_is_refused_with_its_cure() -> None:
    with pytest.raises(DeviceUnavailable, match=r"pip install 'engram\[uart\]'"):
        SerialLine("/dev/null", 1_000_000)
