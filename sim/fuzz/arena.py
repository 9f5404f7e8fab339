"""Runs a case on the gateware, and beside the golden model as far as that can foretell it."""

import random
from pathlib import Path

import numpy as np

from engram.arch.accelerator import AcceleratorConfig
from engram.arch.commands import (
    COMPLETION_BYTES,
    DESCRIPTOR_BYTES,
    Command,
    Completion,
    Fault,
    Flag,
    Opcode,
)
from engram.arch.laws import LAWS
from engram.arch.page_table import BUCKET_BYTES
from engram.arch.pages import PAGE_BITS, PAGE_BYTES, PAGE_WORDS
from engram.arch.regs import REGISTERS
from engram.errors import DeviceFault, DeviceTimeout
from engram.numpy_laws import generate
from sim.fuzz.shadow import Shadow, Words
from sim.fuzz.steps import (
    BASE,
    COMPLETIONS,
    DATA,
    DRAM_BYTES,
    FRAMES,
    INDICES,
    RING,
    TABLE,
    Batch,
    Case,
    Fail,
    FailBeat,
    Heal,
    Level,
    Poke,
    Restart,
    SetRegister,
    Step,
    WindowRead,
    WindowWrite,
)
from sim.golden.accelerator import GoldenAccelerator
from sim.golden.commands import unpack
from sim.verilated.bus import Direction, VerilatedBus

__all__ = ["Arena", "Difference"]

_LIMIT = 600_000  # clocks of one step; an honest one takes a tenth
_GLANCE = 120  # clocks between two looks at the status
_READ_BACK = 48  # words
_STATUS = REGISTERS["STATUS"]
_ENABLED = 7  # ring and window


class Difference(Exception):
    """The gateware did what it must not do."""


class Arena:
    """A device and all that is compared with it; ``run`` raises Difference."""

    def __init__(self, library: Path, config: AcceleratorConfig | None = None) -> None:
        self.config = config or AcceleratorConfig()
        self.bus = VerilatedBus(library, dram_bytes=DRAM_BYTES, base=BASE)
        self.words = Words(self.bus.dram, BASE)
        self.shadow = Shadow()
        self.case: Case
        self.golden: GoldenAccelerator | None = None
        self.mirror = np.zeros(DRAM_BYTES, np.uint8)  # the golden model's DRAM
        self.tail = 0
        self.restores = False

    def close(self) -> None:
        """Delete the device."""
        self.bus.close()

    def run(self, case: Case) -> None:
        """Run a case from reset on."""
        self._begin(case)
        taken: list[Step] = []
        try:
            self._configure()
            for step in case.steps:
                taken.append(step)
                self._take(step)
            self._end()
        except (Difference, DeviceFault, DeviceTimeout) as error:
            name = f"{len(taken)} of {len(case.steps)} steps, {repr(taken[-1:])[:300]}"
            raise Difference(f"{name}: {error}") from error

    def _begin(self, case: Case) -> None:
        bus = self.bus
        self.case = case
        bus.heal()
        bus.stall(0)
        bus.reset()
        bus.latency(reads=case.latency[0], writes=case.latency[1])
        bus.stall(case.stall, seed=case.seed)
        bus.dram[:] = np.frombuffer(case.dram, np.uint8)
        self.mirror[:] = bus.dram
        self.golden = None
        if case.level is not Level.SAFETY:
            self.golden = GoldenAccelerator(self.config, self.mirror, BASE)
        self.shadow.clear()
        self.tail = 0
        self.restores = False
        self.untouched = bus.dram.copy()
        self.strays = bus.strays

    def _configure(self) -> None:
        case = self.case
        size = BUCKET_BYTES << case.buckets_log2
        for name, value in {
            "RING_BASE": RING.first,
            "COMPLETION_BASE": COMPLETIONS.first,
            "BUFFER_BASE": INDICES.first,
            "BUFFER_LIMIT": DATA.limit,
            "TABLE_BASE": TABLE.first,
            "TABLE_LIMIT": TABLE.first + size,
            "FRAME_BASE": FRAMES.first,
        }.items():
            self._set(f"{name}_LO", value & 0xFFFFFFFF)
            self._set(f"{name}_HI", value >> 32)
        self._set("FRAME_COUNT", case.frames)
        self._set("RING_LOG2", case.ring_log2)
        self._set("RING_TAIL", 0)
        self._set("CONTROL", _ENABLED)

    def _take(self, step: Step) -> None:
        """Do one step, and look at what can be seen of it."""
        match step:
            case Poke(address, data):
                self._poke(address, data)
                return
            case SetRegister(name, value):
                self.restores |= name.startswith(("RING", "COMPLETION"))
                self._set(name, value)
                self._wait()
            case WindowRead() | WindowWrite():
                self._pass_window(step)
            case Batch():
                self._carry_out(step)
            case Restart():
                self._restart()
            case Fail(direction, first, limit):
                self.bus.fail(direction, first, limit)
                if self.golden:
                    failing = (
                        self.golden.dram.failing_reads
                        if direction is Direction.READS
                        else self.golden.dram.failing_writes
                    )
                    failing.update(range(first & -8, limit, 8))
                return
            case FailBeat(direction, number):
                self.bus.fail_beat(direction, number)
                return
            case Heal():
                self.bus.heal()
                if self.golden:
                    self.golden.dram.failing_reads.clear()
                    self.golden.dram.failing_writes.clear()
                return
        self._compare()

    def _carry_out(self, batch: Batch) -> None:
        """Give a batch to the ring, and see that all of it is completed."""
        length = 1 << self.case.ring_log2
        first = self.tail
        self.tail = first + len(batch.descriptors) & 0xFFFFFFFF
        for number, descriptor in enumerate(batch.descriptors):
            place = (first + number) % length
            self._poke(RING.first + place * DESCRIPTOR_BYTES, descriptor)
            self._poke(COMPLETIONS.first + place * COMPLETION_BYTES, b"\xff" * COMPLETION_BYTES)
        self._set("RING_TAIL", self.tail)
        for access in batch.traffic:
            self._pass_window(access)
        if batch.cut is not None:
            self.bus.settle(batch.cut)
            self._set("CONTROL", 0)
        status = self._wait()
        halted = _STATUS.field("HALTED").get(status)
        head = self._get("RING_HEAD")
        if not halted and batch.cut is None and head != self.tail:
            raise Difference(f"RING_HEAD must be {self.tail}, not {head}")
        done = (head - first) & 0xFFFFFFFF
        if done > length:
            done = 0  # it had halted before
        for number, descriptor in enumerate(batch.descriptors):
            place = (first + number) % length
            fault = self._completion(place, descriptor)
            if fault is None and batch.cut is None and not (halted and number >= done):
                raise Difference(f"command {number} of the batch has no completion")
            if halted and number >= done:
                fault = None
            if not self.golden:
                command, _ = unpack(np.frombuffer(descriptor, "<u8").tolist())
                self.shadow.note(command, fault, self.words)
        if not self.golden and (halted or batch.cut is not None):
            self._read_back()
            self._restart()
            self._carry_out(Batch((self.case.select.pack(),)))

    def _completion(self, place: int, descriptor: bytes) -> Fault | None:
        """Return the fault of a completion, and see that it is of this command; None: no record."""
        at = COMPLETIONS.first - BASE + place * COMPLETION_BYTES
        record = self.bus.dram[at : at + COMPLETION_BYTES].tobytes()
        if record[:8] == b"\xff" * 8:
            return None  # or that word of it failed, and the ring halted
        try:
            completion = Completion.unpack(record)
        except ValueError as error:
            raise Difference(f"completion {record.hex()}: {error}") from error
        asked = Completion(
            completion.fault, descriptor[0], int.from_bytes(descriptor[4:8], "little"),
            completion.done, completion.address, completion.clocks,
        )  # fmt: skip
        if asked.pack() != record and not self.golden:
            raise Difference(f"completion must be {asked}, not {completion}")
        return completion.fault

    def _pass_window(self, access: WindowRead | WindowWrite) -> None:
        """Read or write through the window."""
        words = self.config.window_words
        offset = access.address % words
        self._set("WINDOW_BASE_LO", access.address & 0xFFFFFFFF)
        self._set("WINDOW_BASE_HI", access.address >> 32)
        identity = access.address & 0xFFF
        refused = False
        found: list[int] = []
        try:
            if isinstance(access, WindowRead):
                found = self.bus.window_read(
                    8 * offset, access.count, burst=access.burst, identity=identity
                ).tolist()
            else:
                self.bus.window_write(
                    8 * offset, np.array(access.words, np.uint64),
                    np.array(access.strobes, np.uint8), burst=access.burst, identity=identity,
                    address_delay=access.delays[0], data_delay=access.delays[1],
                )  # fmt: skip
        except DeviceTimeout:
            raise
        except DeviceFault:
            if self.bus.violations:
                raise
            refused = True
        if isinstance(access, WindowWrite):
            self.shadow.write_bytes(access.address, access.words, access.strobes, refused)
        if self.golden:
            self._foretell(self.golden, access, offset, found, refused)

    def _foretell(
        self,
        golden: GoldenAccelerator,
        access: WindowRead | WindowWrite,
        offset: int,
        found: list[int],
        refused: bool,
    ) -> None:
        if isinstance(access, WindowWrite):
            fault = golden.window_write(
                offset, np.array(access.words, np.uint64), np.array(access.strobes, np.uint8)
            )
            answers: list[int] = []
        else:
            pairs = golden.window_read(offset, access.count)
            answers = [word for word, _ in pairs]
            fault = max(fault for _, fault in pairs)
        if refused != bool(fault):
            raise Difference(f"the window must have answered {fault!r}, refused {refused}")
        if not refused and found != answers and self.case.level is Level.EXACT:
            raise Difference(f"the window must show {answers}, not {found}")

    def _restart(self) -> None:
        """Disable, empty the page table, and enable again."""
        self._set("CONTROL", 0)
        self._wait()
        self._poke(TABLE.first, bytes(BUCKET_BYTES << self.case.buckets_log2))
        self.tail = 0
        self.shadow.clear()
        self._configure()

    def _read_back(self) -> None:
        """See that every word that was acknowledged is there, and that others are generated."""
        case = self.case
        if case.level is not Level.SAFETY or not case.keeps_words:
            return
        self.bus.heal()
        rng = random.Random(case.seed)
        written = sorted(self.shadow.written)
        addresses = rng.sample(written, min(len(written), _READ_BACK))
        pages = sorted({address >> PAGE_BITS for address in [*written, *self.shadow.unsure]})
        beside = [page << PAGE_BITS | rng.randrange(PAGE_WORDS) for page in pages]
        addresses += [address for address in beside if address not in self.shadow.unsure]
        if not addresses:
            return
        self._set("CONTROL", 0)
        self._wait()
        self.tail = 0
        self._configure()
        indices = b"".join(address.to_bytes(8, "little") for address in addresses)
        self._poke(INDICES.first, indices)
        gather = Command(
            Opcode.GATHER, count=len(addresses), buffer=DATA.first, indices=INDICES.first,
            flags=Flag(0),
        )  # fmt: skip
        for command in (case.select, gather):
            self._carry_out(Batch((command.pack(),)))
        fault = self._completion(1 % (1 << case.ring_log2), gather.pack())
        if fault is not Fault.OK:
            raise Difference(f"reading words back must succeed, not end in {fault!r}")
        law = LAWS[case.select.law]
        low, high = case.select.count, case.select.buffer
        keys = (low & 0xFFFFFFFF, low >> 32, high & 0xFFFFFFFF, high >> 32)
        made = generate(law, case.select.address, np.array(addresses, np.uint64), keys=keys)
        found = self.words.load(DATA.first, len(addresses))
        for address, word, unwritten in zip(addresses, found, made.tolist(), strict=True):
            expected = self.shadow.written.get(address, unwritten)
            if word != expected:
                raise Difference(f"word {address:#x} must be {expected:#x}, not {word:#x}")

    def _end(self) -> None:
        self._read_back()
        self._check_untouched()
        self.bus.settle(_GLANCE)
        if self.bus.violations:
            raise Difference("\n".join(self.bus.violations))

    def _check_untouched(self) -> None:
        """See that nothing was written where nothing may be."""
        wrong = self.bus.dram != self.untouched
        size = BUCKET_BYTES << self.case.buckets_log2
        for first, limit in (
            (COMPLETIONS.first, COMPLETIONS.first + (COMPLETION_BYTES << self.case.ring_log2)),
            (INDICES.first, DATA.limit),
            (TABLE.first, TABLE.first + size),
            (FRAMES.first, FRAMES.first + self.case.frames * PAGE_BYTES),
        ):
            wrong[first - BASE : limit - BASE] = False
        if wrong.any():
            address = BASE + int(np.flatnonzero(wrong)[0])
            raise Difference(f"the byte at {address:#x} must not have changed")
        if self.bus.strays != self.strays and not self.restores:
            raise Difference("an address outside of the memory was accessed")

    def _compare(self) -> None:
        """Compare all that can be seen from outside with the golden model."""
        golden = self.golden
        if golden is None:
            return
        for name, mask in (
            ("RING_HEAD", 0xFFFFFFFF),
            ("FRAMES_USED", 0xFFFFFFFF),
            ("IRQ_STATUS", 0xF),
        ):
            ours, theirs = self._get(name) & mask, golden.read(REGISTERS[name].offset) & mask
            if ours != theirs:
                raise Difference(f"{name} must be {theirs:#x}, not {ours:#x}")
        self._compare_status(self._get("STATUS"), golden.read(_STATUS.offset))
        self._compare_dram()

    def _compare_status(self, ours: int, theirs: int) -> None:
        for field in _STATUS.fields:
            if field.get(ours) != field.get(theirs):
                raise Difference(f"{field.name} must be {field.get(theirs)}, not {field.get(ours)}")

    def _compare_dram(self) -> None:
        ours, theirs = self.bus.dram, self.mirror
        for place in range(1 << self.case.ring_log2):
            at = COMPLETIONS.first - BASE + place * COMPLETION_BYTES + 24
            theirs[at : at + 8] = ours[at : at + 8]  # clocks
        if self.case.level is Level.STRUCTURE:
            for area in (DATA, FRAMES):
                theirs[area.slice] = ours[area.slice]
        if not np.array_equal(ours, theirs):
            at = int(np.flatnonzero(ours != theirs)[0]) & -8
            here, there = (array[at : at + 8].view("<u8")[0] for array in (ours, theirs))
            raise Difference(f"the word at {BASE + at:#x} must be {there:#x}, not {here:#x}")

    def _wait(self) -> int:
        """Let clocks pass until nothing is under way; return the status."""
        for _ in range(_LIMIT // _GLANCE):
            status = self._get("STATUS")
            if _STATUS.field("IDLE").get(status):
                return status
            self.bus.settle(_GLANCE)
        raise Difference(f"all must be over within {_LIMIT} clocks; STATUS is {status:#x}")

    def _poke(self, address: int, data: bytes) -> None:
        at = address - BASE
        for array in (self.bus.dram, self.mirror, self.untouched):
            array[at : at + len(data)] = np.frombuffer(data, np.uint8)

    def _get(self, name: str) -> int:
        return self.bus.read(REGISTERS[name].offset)

    def _set(self, name: str, value: int) -> None:
        self.bus.write(REGISTERS[name].offset, value)
        if self.golden:
            self.golden.write(REGISTERS[name].offset, value)
