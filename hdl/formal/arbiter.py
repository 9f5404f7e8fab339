"""Proofs that the arbiter keeps the rules of AXI4, mixes up no answers and passes over nobody."""

from collections.abc import Callable
from typing import Any

from amaranth import Elaboratable, Module, Mux, Signal
from amaranth.hdl import Assert, Assume, Cover

from hdl.axi.arbiter import Arbiter
from hdl.axi.signatures import port
from hdl.formal.bus import count, entries, holds, skid_level
from hdl.formal.runner import Proof

__all__ = ["PROOFS", "ArbiterHarness"]

CLIENTS = 2
OUTSTANDING = 4
ADDRESS = ("addr", "len", "size", "burst", "cache", "prot")


class ArbiterHarness(Elaboratable):
    """Two readers and two writers that keep the rules, and a memory that owes what was asked."""

    def __init__(self, make: Callable[..., Any] = Arbiter) -> None:
        self.dut = dut = make(
            readers=CLIENTS, writers=CLIENTS, address_width=12, outstanding=OUTSTANDING
        )
        self.out = port(dut, "m_axi", dut.signature_axi)
        self.readers = [port(dut, f"r{n}", dut.signature_reader) for n in range(CLIENTS)]
        self.writers = [port(dut, f"w{n}", dut.signature_writer) for n in range(CLIENTS)]
        out = self.out
        self.ports = [out.arready, out.awready, out.wready]
        self.ports += [out.rid, out.rdata, out.rresp, out.rlast, out.rvalid]
        self.ports += [out.bid, out.bresp, out.bvalid]
        for clients, channel, more in (
            (self.readers, "ar", ["rready"]),
            (self.writers, "aw", ["bready", "wdata", "wstrb", "wlast", "wvalid"]),
        ):
            for client in clients:
                names = [channel + name for name in (*ADDRESS, "id", "lock", "valid")]
                self.ports += [getattr(client, name) for name in [*names, *more]]

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        owners = {channel: entries(m, queue) for channel, queue in dut.owners.items()}
        out = self.out
        for clients, channel in ((self.readers, "ar"), (self.writers, "aw")):
            self.addresses(m, clients, channel)
            with m.If(dut.skids[channel].spare_full):
                m.d.comb += Assert(dut.skids[channel].o.valid)
        for number, client in enumerate(self.writers):
            body = (client.wdata, client.wstrb, client.wlast)
            holds(m, Assume, f"w{number}_w", client.wvalid, client.wready, *body)
        holds(m, Assert, "w", out.wvalid, out.wready, out.wdata, out.wstrb, out.wlast)
        holds(m, Assume, "r", out.rvalid, out.rready, out.rdata, out.rresp, out.rlast)
        holds(m, Assume, "b", out.bvalid, out.bready, out.bresp)

        # What each is owed is just what the queue of owners says, and nobody else gets it.
        reads = out.arvalid & out.arready
        writes = out.awvalid & out.awready
        ends = out.rvalid & out.rready & out.rlast
        finished = out.wvalid & out.wready & out.wlast
        answered = out.bvalid & out.bready
        bursts = count(m, "read_bursts", reads, ends)
        addresses = count(m, "write_addresses", writes, answered)
        bodies = count(m, "write_bodies", finished, answered)
        with m.If(out.rvalid):
            m.d.comb += Assume(bursts != 0)
        with m.If(out.bvalid):
            m.d.comb += [Assume(addresses != 0), Assume(bodies != 0)]
        levels = {channel: queue.level for channel, queue in dut.owners.items()}
        m.d.comb += [
            Assert(levels["r"] == bursts + skid_level(dut.skids["ar"])),
            Assert(levels["b"] == addresses + skid_level(dut.skids["aw"])),
            Assert(levels["w"] + bodies == levels["b"]),
            *(Assert(level <= OUTSTANDING) for level in levels.values()),
        ]
        self.answers(m, "r", owners["r"], self.readers, "ar", "rlast")
        self.answers(m, "b", owners["b"], self.writers, "aw", None)
        for number, client in enumerate(self.writers):
            mine = sum(filled & (owner == number) for filled, owner in owners["w"])
            sends = client.wvalid & client.wready
            owed = count(
                m,
                f"w{number}_bodies",
                client.awvalid & client.awready,
                sends & client.wlast,
            )
            m.d.comb += Assert(owed == mine)
            with m.If(sends):
                m.d.comb += [
                    Assert(out.wvalid & out.wready),
                    Assert(out.wdata == client.wdata),
                    Assert(out.wlast == client.wlast),
                ]
        with m.If(out.wvalid & out.wready):
            m.d.comb += Assert(
                sum(client.wvalid & client.wready for client in self.writers) == 1
            )
        m.d.comb += Cover((levels["r"] == 3) & (levels["b"] == 3) & ends & answered)
        return m

    def addresses(self, m: Module, clients: list[Any], channel: str) -> None:
        """Say that offers hold still, and that nobody who waits is passed over twice."""
        out = self.out

        def of(interface: Any, name: str) -> Any:
            return getattr(interface, channel + name)

        holds(
            m,
            Assert,
            channel,
            of(out, "valid"),
            of(out, "ready"),
            *(of(out, name) for name in (*ADDRESS, "id", "lock")),
        )
        taken = [of(client, "valid") & of(client, "ready") for client in clients]
        m.d.comb += Assert(sum(taken) <= 1)
        for number, client in enumerate(clients):
            offer = [of(client, name) for name in ADDRESS]
            holds(m, Assume, f"{channel}{number}", of(client, "valid"), of(client, "ready"), *offer)
            # Having lost to the other, it does not lose again before it is served.
            other = taken[1 - number]
            lost = Signal(name=f"{channel}{number}_lost")
            with m.If(taken[number]):
                m.d.sync += lost.eq(0)
            with m.Elif(of(client, "valid") & other):
                m.d.sync += lost.eq(1)
            with m.If(lost):
                m.d.comb += [
                    Assert(~other),
                    Assert(of(client, "valid")),
                    Assert(self.dut.served[channel] == 1 - number),
                ]

    def answers(
        self,
        m: Module,
        channel: str,
        owners: list[tuple[Any, Any]],
        clients: list[Any],
        address: str,
        last: str | None,
    ) -> None:
        """Say that each client gets its own answers, and all that it is owed."""
        out = self.out

        def moves(interface: Any, name: str) -> Any:
            return getattr(interface, f"{name}valid") & getattr(interface, f"{name}ready")

        got = []
        for number, client in enumerate(clients):
            gets = moves(client, channel)
            ended = gets & getattr(client, last) if last else gets
            owed = count(m, f"{channel}{number}_owed", moves(client, address), ended)
            mine = sum(filled & (owner == number) for filled, owner in owners)
            m.d.comb += Assert(owed == mine)
            with m.If(getattr(client, f"{channel}valid")):
                m.d.comb += [
                    Assert(owed != 0),
                    Assert(getattr(client, f"{channel}resp") == getattr(out, f"{channel}resp")),
                ]
                if channel == "r":
                    m.d.comb += Assert(client.rdata == out.rdata)
            got.append(gets)
        m.d.comb += Assert(sum(got) == Mux(moves(out, channel), 1, 0))


PROOFS = [
    Proof(
        "arbiter",
        "AXI4 rules; answers go to who asked, each once; nobody is passed over twice",
        ArbiterHarness,
        "prove",
        2,
    ),
    Proof("arbiter-fills", "both sides busy", ArbiterHarness, "cover", 16),
]
