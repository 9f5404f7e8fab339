"""Block RAM behind AXI: every word where it belongs, whatever pauses."""

import gc
from collections import deque
from random import Random

import pytest

from hdl.axi.signatures import Burst, Response
from hdl.boards.memory import BlockMemory
from tests.hdl.axi.bus import Channel, overwritten, port_of, run

BASE = 0x4000
SIZE = 0x2000


class Manager:
    """Gives bursts of reads and writes, one at a time each way, with pauses; keeps a model.

    No read overlaps what is being written, for AXI does not say which comes first.
    """

    def __init__(self, unit, random, count, pause):
        get = port_of(unit, "s_axi")
        self.get, self.random, self.pause = get, random, pause
        self.r = Channel(
            get("rvalid"), get("rready"),
            **{name: get(f"r{name}") for name in ("id", "data", "resp", "last")},
        )
        self.b = Channel(
            get("bvalid"), get("bready"), **{name: get(f"b{name}") for name in ("id", "resp")}
        )
        self.todo = {"ar": count, "aw": count}
        self.burst = {"ar": None, "aw": None}
        self.offered = {"ar": False, "aw": False, "w": False}
        self.model = {}
        self.beats = deque()
        self.expected = deque()
        self.errors = 0
        self.longest = 0

    def done(self):
        return not any(self.todo.values()) and not any(self.burst.values())

    def new_burst(self, channel):
        random = self.random
        page = random.choice([BASE - 0x1000, BASE, BASE + 0x1000, BASE + SIZE, 0])
        word = random.choice([0, 511, random.randrange(512)])
        beats = min(random.choice([1, 2, 16, 256]), 512 - word)
        kind, size = random.choice([(Burst.INCR, 3)] * 6 + [(Burst.FIXED, 3), (Burst.INCR, 2)])
        address = page + 8 * word
        response = Response.OKAY
        if not BASE <= address < BASE + SIZE:
            response = Response.DECERR
        elif (kind, size) != (Burst.INCR, 3):
            response = Response.SLVERR
        burst = {
            "addr": address, "len": beats - 1, "burst": kind, "size": size,
            "id": random.randrange(2), "response": response, "page": page,
        }  # fmt: skip
        if channel == "aw":
            self.beats = deque(
                (random.getrandbits(64), random.choice([0xFF, 0xFF, random.getrandbits(8)]))
                for _ in range(beats)
            )
        else:
            self.expected = deque(range(address, address + 8 * beats, 8))
        self.errors += response != Response.OKAY
        self.longest = max(self.longest, beats)
        return burst

    def drive(self, ctx):
        get, random = self.get, self.random
        for channel, other in (("ar", "aw"), ("aw", "ar")):
            if self.burst[channel] is None and self.todo[channel]:
                burst = self.new_burst(channel)
                if self.burst[other] is None or burst["page"] != self.burst[other]["page"]:
                    self.todo[channel] -= 1
                    self.burst[channel] = burst
                    self.offered[channel] = None
            if self.offered[channel] is None and random.random() >= self.pause:
                self.offered[channel] = True
                for name in ("addr", "len", "burst", "size", "id"):
                    ctx.set(get(channel + name), self.burst[channel][name])
            ctx.set(get(f"{channel}valid"), bool(self.offered[channel]))
        if not self.offered["w"] and self.burst["aw"] and self.beats:
            self.offered["w"] = random.random() >= self.pause
        ctx.set(get("wvalid"), self.offered["w"])
        if self.offered["w"]:
            data, strobe = self.beats[0]
            ctx.set(get("wdata"), data)
            ctx.set(get("wstrb"), strobe)
            ctx.set(get("wlast"), len(self.beats) == 1)
        ctx.set(get("rready"), random.random() >= self.pause)
        ctx.set(get("bready"), random.random() >= self.pause)

    def observe(self, ctx):
        get = self.get
        for channel in ("ar", "aw"):
            if self.offered[channel] and ctx.get(get(f"{channel}ready")):
                self.offered[channel] = False
        if self.offered["w"] and ctx.get(get("wready")):
            burst = self.burst["aw"]
            assert not self.offered["aw"], "a word was taken before its address"
            data, strobe = self.beats.popleft()
            address = burst["addr"] + 8 * (burst["len"] - len(self.beats))
            if burst["response"] == Response.OKAY:
                old = self.model.get(address, 0)
                self.model[address] = overwritten(old, data, strobe)
            self.offered["w"] = False
        word = self.r.take(ctx)
        if word is not None:
            burst = self.burst["ar"]
            address = self.expected.popleft()
            good = burst["response"] == Response.OKAY
            assert word == {
                "id": burst["id"],
                "data": self.model.get(address, 0) if good else 0,
                "resp": burst["response"],
                "last": not self.expected,
            }
            if not self.expected:
                self.burst["ar"] = None
        answer = self.b.take(ctx)
        if answer is not None:
            burst = self.burst["aw"]
            assert not self.beats, "a write was answered before its last word"
            assert answer == {"id": burst["id"], "resp": burst["response"]}
            self.burst["aw"] = None


@pytest.mark.parametrize(("pause", "seed"), [(0.0, 1), (0.5, 2)])
def test_words_are_kept_and_what_is_outside_is_refused(pause, seed) -> None:
    unit = BlockMemory(base=BASE, size=SIZE)
    manager = Manager(unit, Random(seed), 30, pause)
    run(unit, [manager], manager.done, limit=40000)
    assert manager.errors > 10
    assert manager.longest == 256
    assert len(manager.model) > 100


def test_a_burst_moves_a_word_a_clock() -> None:
    unit = BlockMemory(base=BASE, size=SIZE)
    manager = Manager(unit, Random(5), 0, 0.0)
    burst = {"addr": BASE, "len": 255, "burst": 1, "size": 3, "id": 1, "response": 0, "page": BASE}
    manager.burst["aw"], manager.offered["aw"] = burst, None
    manager.beats = deque((number << 40 | number, 0xFF) for number in range(256))
    assert run(unit, [manager], manager.done) == 256 + 2

    unit = BlockMemory(base=BASE, size=SIZE)
    again = Manager(unit, Random(5), 0, 0.0)
    again.burst["ar"], again.offered["ar"] = dict(burst, id=0), None
    again.expected = deque(range(BASE, BASE + 8 * 256, 8))
    assert run(unit, [again], again.done) == 256 + 2


@pytest.mark.filterwarnings("ignore:.*created but never used")
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"base": 0, "size": 100}, "size must be a multiple of 4096, not 100"),
        ({"base": 0, "size": 0}, "size must be a multiple of 4096, not 0"),
        ({"base": 64, "size": 4096}, "base must be a multiple of 4096 with room, not 64"),
        ({"base": 0xFFFF_F000, "size": 8192}, "base must be a multiple of 4096 with room"),
    ],
)
def test_a_memory_that_cannot_be_is_refused(settings, message) -> None:
    with pytest.raises(ValueError, match=message):
        BlockMemory(**settings)
    gc.collect()  # what was refused warns of its disuse now, while that is no error
