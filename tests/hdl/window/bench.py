"""A window between both its ends, and a model of the space that says what they should see."""

from random import Random

from engram.arch.accelerator import AcceleratorConfig
from hdl.window.window import Window
from tests.hdl.axi.bus import run
from tests.hdl.window.ends import Beat, Manager, Pager, generated

__all__ = ["BITS", "HALF", "OKAY", "SLVERR", "Bench"]

BITS = 14
HALF = 1 << BITS - 1
OKAY, SLVERR = 0, 2
BASE = 0xFEDC_BA98_7654_3210


class Bench:
    """A window between a manager and a pager; reads lie in its lower half, writes above."""

    def __init__(self, seed=0, *, unit=None, base=BASE, offer=0.0, take=0.0, **pager):
        self.random = Random(seed)
        self.unit = unit or Window(AcceleratorConfig(window_bits=BITS, window_id_bits=3))
        self.base = base
        self.manager = Manager(self.unit, self.random, offer=offer, take=take)
        self.pager = Pager(self.unit, self.random, **pager)
        self.model = {}  # what the written words should be
        self.expected_r = []
        self.expected_b = []
        self.faults = []
        self.agents = [self, self.manager, self.pager]

    def word_address(self, byte):
        words = 1 << BITS - 3
        return self.base // words * words + byte // 8

    def read(self, burst):
        self.manager.read(burst)
        for beat, byte in enumerate(burst.addresses(BITS)):
            address = self.word_address(byte)
            bad = burst.refused or bool(self.pager.fault(address))
            self.expected_r.append(
                {
                    "id": burst.id,
                    "data": 0 if bad else self.model.get(address, generated(address)),
                    "resp": SLVERR if bad else OKAY,
                    "last": beat == burst.beats - 1,
                }
            )

    def write(self, burst, strobes=None):
        beats = [
            Beat(
                self.random.getrandbits(64),
                self.random.choice([0xFF, 0xFF, 0, self.random.getrandbits(8)]),
                # Not to be trusted.
                self.random.randrange(2),
            )
            for _ in range(burst.beats)
        ]
        if strobes is not None:
            beats = [
                Beat(beat.data, strobe, 0) for beat, strobe in zip(beats, strobes, strict=True)
            ]
        self.manager.write(burst, beats)
        failed = burst.refused
        if not burst.refused:
            for beat, byte in zip(beats, burst.addresses(BITS), strict=True):
                address = self.word_address(byte)
                failed |= bool(self.pager.fault(address))
                for lane in range(8):
                    if beat.strobe >> lane & 1 and not self.pager.fault(address):
                        word = self.model.get(address, generated(address))
                        word &= ~(0xFF << 8 * lane)
                        word |= beat.data & 0xFF << 8 * lane
                        self.model[address] = word
        self.expected_b.append({"id": burst.id, "resp": SLVERR if failed else OKAY})

    def drive(self, ctx):
        ctx.set(self.unit.base, self.base)

    def observe(self, ctx):
        if ctx.get(self.unit.fault.valid):
            self.faults.append(ctx.get(self.unit.fault.fault))

    @property
    def ended(self):
        return (
            len(self.manager.r.words) >= len(self.expected_r)
            and len(self.manager.b.words) >= len(self.expected_b)
            and not self.manager.w.words
            and self.manager.w.offered is False
        )

    def run(self, after=4):
        """Run to the end and some clocks on, and compare; return the clocks it took."""
        took = run(self.unit, self.agents, self.until(after))
        self.compare()
        return took - after

    def until(self, after):
        left = after

        def until():
            nonlocal left
            if self.ended:
                left -= 1
            return left < 0

        return until

    def compare(self):
        assert self.manager.r.words == self.expected_r
        assert self.manager.b.words == self.expected_b
        assert not self.pager.due
        assert not self.pager.open
        for address in self.model.keys() | self.pager.space.keys():
            assert self.pager.space.get(address, generated(address)) == self.model.get(
                address, generated(address)
            )
