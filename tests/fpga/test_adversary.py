"""A bus that does its worst: the driver fails with a name, in time, gives back, and never lies."""

import functools
import itertools
import random
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from engram.arch.commands import COMPLETION_BYTES, Command, Fault, Opcode
from engram.arch.laws import LAWS
from engram.arch.regs import REGISTERS
from engram.errors import DeviceFault, DeviceTimeout, DeviceUnavailable, VersionMismatch
from engram.fpga.backend import FpgaSpace
from engram.fpga.registers import Registers
from sim.golden.bus import GoldenBuffer
from sim.golden.laws import generate
from tests.fpga.buses import LateBus, accelerator, random_words

SEED = 5
FRAMES = 80
LAW = LAWS[1]
EVERYTHING = ("read", "write", "allocate", "wait", "flush", "invalidate")
ONES = (1 << 32) - 1


class FusedBuffer(GoldenBuffer):
    """A buffer whose flushes and invalidations are steps of its bus."""

    def flush(self, start: int = 0, size: int | None = None) -> None:
        self._bus.step("flush", lambda: super(FusedBuffer, self).flush(start, size))

    def invalidate(self, start: int = 0, size: int | None = None) -> None:
        self._bus.step("invalidate", lambda: super(FusedBuffer, self).invalidate(start, size))


class FusedBus(LateBus):
    """A bus that fails at step ``fuse`` of the kinds that count, and maybe at all later ones.

    late : the step is taken, and then it fails
    forever : so does every later one
    """

    def __init__(self, patience: int | None = 0) -> None:
        super().__init__(patience)
        self.kinds: tuple[str, ...] = EVERYTHING
        self.error: type[BaseException] = DeviceFault
        self.late = self.forever = False
        self.fuse = self.steps = 0

    def light(self, fuse: int, *kinds: str, error: type[BaseException] = DeviceFault,
              late: bool = False, forever: bool = False) -> None:  # fmt: skip
        self.fuse, self.steps, self.kinds, self.error = fuse, 0, kinds or EVERYTHING, error
        self.late, self.forever = late, forever

    def heal(self) -> None:
        self.fuse = 0

    def step(self, kind: str, work: Callable[[], object]) -> object:
        if kind not in self.kinds:
            return work()
        self.steps += 1
        burnt = self.fuse and (
            self.steps == self.fuse or (self.forever and self.steps > self.fuse)
        )
        late = self.late and kind != "allocate"  # of which nobody would know
        result = work() if late or not burnt else None
        if burnt:
            raise self.error(f"{kind} failed")
        return result

    def read(self, offset: int) -> int:
        return self.step("read", lambda: super(FusedBus, self).read(offset))

    def write(self, offset: int, value: int) -> None:
        self.step("write", lambda: self._write(offset, value))

    def _write(self, offset: int, value: int) -> None:
        if offset == REGISTERS["CONTROL"].offset and not value:
            self._doorbells.clear()  # a device that is disabled hears none of what was rung
        super().write(offset, value)

    def wait_irq(self, seconds: float) -> bool:
        return self.step("wait", lambda: super(FusedBus, self).wait_irq(seconds))

    def allocate(self, size: int, align: int = 4096) -> FusedBuffer:
        buffer = self.step("allocate", lambda: super(FusedBus, self).allocate(size, align))
        return FusedBuffer(self, buffer.address, size)


class Work:
    """Calls of a space beside what its words must be; of a call that failed, either is right."""

    def __init__(self, space: FpgaSpace) -> None:
        self.space = space
        self.words: dict[int, set[int]] = {}

    def steps(self) -> Iterator[Callable[[], None]]:
        run, spread = random_words(700, 1), random_words(40, 2)
        addresses = np.arange(40, dtype=np.uint64) * np.uint64(5) + np.uint64(300)
        far = np.arange(70, dtype=np.uint64) * np.uint64(1 << 20) + np.uint64(7)
        yield lambda: self.write(np.arange(100, 101, dtype=np.uint64), run[:1])
        yield lambda: self.write(np.arange(700, dtype=np.uint64), run, in_a_row=True)
        yield lambda: self.check(np.arange(1030, dtype=np.uint64))
        yield lambda: self.write(addresses, spread)
        yield lambda: self.check(far)
        yield lambda: self.write(far, random_words(70, 4))  # so many pages that the table grows
        yield lambda: self.check(addresses)
        yield lambda: self.erase(far[:20])
        yield lambda: self.check(far)

    def write(self, addresses: np.ndarray, values: np.ndarray, *, in_a_row: bool = False) -> None:
        pairs = dict(zip(addresses.tolist(), values.tolist(), strict=True))
        self._may(pairs)
        if in_a_row:
            self.space.write_range(int(addresses[0]), values)
        else:
            self.space.write_words(addresses, values)
        self.words |= {address: {value} for address, value in pairs.items()}

    def erase(self, addresses: np.ndarray) -> None:
        pairs = {address: generated(address) for address in addresses.tolist()}
        self._may(pairs)
        self.space.erase_words(addresses)
        for address in pairs:
            del self.words[address]

    def check(self, addresses: np.ndarray) -> None:
        found = self.space.read_words(addresses, LAW).tolist()
        for address, word in zip(addresses.tolist(), found, strict=True):
            assert word in self.words.get(address, {generated(address)}), hex(address)

    def check_all(self) -> None:
        """Read all that was ever written, and what lies between."""
        places = [np.arange(1030, dtype=np.uint64)]
        places.append(np.array(sorted(self.words), np.uint64))
        self.check(np.unique(np.concatenate(places)))

    def _may(self, pairs: dict[int, int]) -> None:
        for address, value in pairs.items():
            self.words[address] = {*self.words.get(address, {generated(address)}), value}


@functools.cache
def generated(address: int) -> int:
    return generate(LAW, SEED, address)


def space_on(bus: LateBus) -> FpgaSpace:
    return FpgaSpace(LAW, SEED, accelerator=accelerator(bus))


def works_on(bus: LateBus) -> None:
    """See that the bus carries a driver from its opening to its end, and that it gives back."""
    free = bus.allocator.free_bytes
    device = accelerator(bus, frames=FRAMES)
    work = Work(FpgaSpace(LAW, SEED, accelerator=device))
    for step in work.steps():
        step()
    given_back(work.space)
    device.close()
    assert bus.allocator.free_bytes == free


def given_back(space: FpgaSpace) -> None:
    """See that a space that ends gives back all of its frames."""
    device = space._accelerator
    space.close()
    with device.session():
        assert device.registers.read("FRAMES_USED") == 0
        assert device.frames_free == device.frames


@pytest.mark.parametrize("error", [DeviceFault, KeyboardInterrupt])
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("forever", [False, True])
def test_whatever_fails_while_it_is_opened_nothing_is_kept(error, late, forever) -> None:
    bus = FusedBus()
    free = bus.allocator.free_bytes
    for fuse in itertools.count(1):
        bus.light(fuse, error=error, late=late, forever=forever)
        try:
            device = accelerator(bus)
            break
        except error as raised:
            told = str(raised)
        assert told.endswith(" failed")
        assert bus.allocator.free_bytes == free
    assert fuse > 30
    bus.heal()
    device.close()
    works_on(bus)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("forever", [False, True])
def test_whatever_fails_in_a_job_is_a_fault_and_the_next_driver_works(late, forever) -> None:
    bus = FusedBus()
    free = bus.allocator.free_bytes
    for fuse in itertools.count(1):
        device = accelerator(bus, frames=FRAMES)
        work = Work(FpgaSpace(LAW, SEED, accelerator=device))
        bus.light(fuse, "read", "write", "wait", late=late, forever=forever)
        try:
            for step in work.steps():
                step()
            break
        except DeviceFault as raised:
            told = str(raised)
        assert told.endswith(" failed")
        assert device.is_lost
        steps = bus.steps
        with pytest.raises(DeviceFault, match=r"fpga-golden is not used any more: .* failed"):
            work.space.read_word(0)
        assert bus.steps == steps
        work.space.close()
        device.close()
        assert bus.allocator.free_bytes == free
        assert bus.steps < steps + 1000
        bus.heal()
    assert fuse > 20
    bus.heal()
    work.space.close()
    device.close()
    works_on(bus)


@pytest.mark.parametrize("late", [False, True])
def test_whenever_it_is_interrupted_no_other_word_changes(late) -> None:
    bus = FusedBus(patience=1)
    for fuse in itertools.count(1 + late, 3):
        device = accelerator(bus, frames=FRAMES)
        work = Work(FpgaSpace(LAW, SEED, accelerator=device))
        bus.light(fuse, error=KeyboardInterrupt, late=late)
        interrupted = False
        for step in work.steps():
            try:
                step()
            except KeyboardInterrupt:
                interrupted = True
        bus.heal()
        assert not device.is_lost
        work.check_all()
        given_back(work.space)
        device.close()
        if not interrupted:
            break
    assert fuse > 100


@pytest.mark.parametrize("late", [False, True])
def test_a_cache_that_cannot_be_flushed_is_a_fault_and_changes_no_other_word(late) -> None:
    bus = FusedBus()
    lost = 0
    for fuse in itertools.count(1 + late, 2):
        device = accelerator(bus, frames=FRAMES)
        work = Work(FpgaSpace(LAW, SEED, accelerator=device))
        bus.light(fuse, "flush", "invalidate", late=late)
        failed = False
        for step in work.steps():
            try:
                step()
            except DeviceFault:
                failed = True
                if device.is_lost:
                    lost += 1
                    break
        bus.heal()
        if not device.is_lost:
            work.check_all()
        work.space.close()
        device.close()
        if not failed:
            break
    assert fuse > 60
    assert 0 < lost < fuse


def test_an_interrupted_close_is_done_again() -> None:
    bus = FusedBus()
    free = bus.allocator.free_bytes
    for fuse in itertools.count(1):
        device = accelerator(bus)
        bus.light(fuse, error=KeyboardInterrupt)
        try:
            device.close()
            break
        except KeyboardInterrupt:
            device.close()
        assert bus.allocator.free_bytes == free
    assert fuse > 3
    bus.heal()
    works_on(bus)


def test_what_is_staged_for_a_job_stays_until_it_is_done() -> None:
    bus = FusedBus(patience=1)
    device = accelerator(bus)
    ours, theirs = (FpgaSpace(LAW, seed, accelerator=device) for seed in (SEED, SEED + 1))
    addresses, values = np.arange(0, 400, 4, dtype=np.uint64), random_words(100, 3)
    elsewhere = np.arange(10_000, 10_100, dtype=np.uint64)
    bus.light(1, "wait", error=KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        ours.write_words(addresses, values)
    theirs.write_words(elsewhere, ~values)  # which once became what, and where, ours was written
    assert ours.read_words(addresses, LAW).tolist() == values.tolist()
    assert ours.read_words(elsewhere, LAW).tolist() == [generated(a) for a in elsewhere.tolist()]
    assert theirs.read_words(elsewhere, LAW).tolist() == (~values).tolist()


def test_a_doorbell_that_an_interrupt_kept_from_ringing_is_rung() -> None:
    bus = FusedBus()
    space = space_on(bus)
    space.read_word(0)
    bus.light(1, "write", error=KeyboardInterrupt)  # the doorbell
    with pytest.raises(KeyboardInterrupt):
        space.read_word(0)
    assert space.read_word(1) == generated(1)


def test_a_job_that_was_interrupted_and_fails_is_told_by_the_next(caplog) -> None:
    bus = FusedBus()
    space = space_on(bus)
    bus.light(1, "wait", error=KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        space.read_word(0)
    bus.light(1, "write")
    with pytest.raises(DeviceFault, match=r"not used any more: write failed"):
        space.read_word(0)
    assert "a job that was interrupted failed: write failed" in caplog.text
    space.close()


@pytest.mark.parametrize("fuse", [1, 2, 3])
def test_what_an_interrupt_kept_from_being_given_back_is_given_back_later(fuse) -> None:
    bus = FusedBus()
    device = accelerator(bus)
    space = FpgaSpace(LAW, SEED, accelerator=device)
    space.write_word(1, 1)
    bus.light(fuse, error=KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        space.close()
    bus.heal()
    given_back(space)


def test_a_halt_is_told_even_where_nothing_more_can_be_read() -> None:
    bus = FusedBus()
    space = space_on(bus)
    bus.accelerator.dram.failing_reads = {Registers(bus).read("RING_BASE")}
    bus.light(2, "read", forever=True)
    with pytest.raises(DeviceFault, match=r"the ring halted with READ_ERROR$"):
        space.read_word(0)


def test_a_completion_of_an_earlier_driver_is_none_of_ours() -> None:
    bus = FusedBus()
    device = accelerator(bus)
    FpgaSpace(LAW, SEED, accelerator=device).read_word(0)  # the record of command 2 stays
    device.close()
    bus.patience = 2
    bus.polls = 1  # a look before the device is done
    space = space_on(bus)
    assert space.read_word(9) == generated(9)
    assert len(bus.waits) > 2


class TornBus(LateBus):
    """A bus on which the last record has only its first word until a register is accessed."""

    def __init__(self) -> None:
        super().__init__()
        self._rest: tuple[slice, bytes] | None = None

    def wait_irq(self, seconds: float) -> bool:
        high = super().wait_irq(seconds)
        if high:
            register = Registers(self)
            place = (register.read("RING_TAIL") - 1) % (1 << register.read("RING_LOG2"))
            start = register.read("COMPLETION_BASE") - self.accelerator.dram.base
            start += place * COMPLETION_BYTES + 8
            rest = slice(start, start + COMPLETION_BYTES - 8)
            self._rest = rest, self.dram[rest].tobytes()
            self.dram[rest] = 0x5A
        return high

    def write(self, offset: int, value: int) -> None:
        if self._rest is not None:
            place, content = self._rest
            self.dram[place] = np.frombuffer(content, np.uint8)
            self._rest = None
        super().write(offset, value)


def test_a_record_that_is_seen_half_written_is_read_again() -> None:
    bus = TornBus()
    device = accelerator(bus)
    space = FpgaSpace(LAW, SEED, accelerator=device)
    space.write_word(3, 3)
    with device.session():
        (completion,) = device.run(space._tenant, [Command(Opcode.ERASE, 0, 512)])
    assert (completion.fault, completion.done, completion.address) == (Fault.OK, 1, 0)


class DeadBus(LateBus):
    """A bus behind which the device is gone: registers read the same, and nothing is written."""

    alive: int | None = None  # accesses that are left

    def __init__(self, value: int) -> None:
        super().__init__()
        self.value = value

    def _dead(self) -> bool:
        if self.alive is not None:
            self.alive -= 1
        return self.alive is not None and self.alive < 0

    def read(self, offset: int) -> int:
        self.reads += 1
        return self.value if self._dead() else self.accelerator.read(offset)

    def write(self, offset: int, value: int) -> None:
        self.writes += 1
        if not self._dead():
            self.accelerator.write(offset, value)

    def wait_irq(self, seconds: float) -> bool:
        return False


@pytest.mark.parametrize("value", [0, ONES])
def test_a_device_that_goes_away_while_it_is_opened_is_refused(value) -> None:
    bus = DeadBus(value)
    free = bus.allocator.free_bytes
    refused = 0
    for bus.alive in range(60):
        before = bus.reads + bus.writes
        try:
            accelerator(bus).close()
        except (DeviceUnavailable, VersionMismatch):
            refused += 1
        assert bus.reads + bus.writes < before + 1000
        assert bus.allocator.free_bytes == free
    assert refused >= 6  # up to the reset; later nothing is read
    bus.alive = None
    works_on(bus)


@pytest.mark.parametrize(
    ("value", "error", "told"),
    [
        (0, DeviceTimeout, r"not completed in 1 s; its ID reads 0x0: it lost its power"),
        (ONES, DeviceFault, r"halted with .*; its ID reads 0xffffffff: it lost its power"),
    ],
)
def test_a_device_that_goes_away_is_lost_in_time(value, error, told) -> None:
    bus = DeadBus(value)
    free = bus.allocator.free_bytes
    device = accelerator(bus)
    space = FpgaSpace(LAW, SEED, accelerator=device)
    space.write_word(1, 1)
    bus.alive = 0
    before = bus.reads + bus.writes
    with pytest.raises(error, match=told):
        space.read_word(1)
    assert device.is_lost
    space.close()
    device.close()
    assert bus.reads + bus.writes < before + 1000
    assert bus.allocator.free_bytes == free


class LyingBus(LateBus):
    """A bus whose waits answer whatever they like, and whose jobs take their time."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._random = random.Random(seed)
        self.polls = self._random.randrange(3)

    def write(self, offset: int, value: int) -> None:
        self.patience = self._random.randrange(6)
        super().write(offset, value)

    def wait_irq(self, seconds: float) -> bool:
        super().wait_irq(seconds)
        return self._random.random() < 0.5


@pytest.mark.parametrize("seed", range(6))
def test_waits_that_lie_change_nothing(seed) -> None:
    works_on(LyingBus(seed))


def test_two_drivers_of_one_device_fail_both_and_in_time() -> None:
    bus = LateBus()
    first = FpgaSpace(LAW, SEED, accelerator=accelerator(bus))
    for address in range(5):
        first.write_word(address, address)
    second = FpgaSpace(LAW, SEED, accelerator=accelerator(bus))
    second.write_word(0, 77)
    with pytest.raises((DeviceFault, DeviceTimeout), match="another driver has taken it"):
        first.read_word(0)
    with pytest.raises((DeviceFault, DeviceTimeout)):
        second.read_word(0)
