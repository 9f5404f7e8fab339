"""Shares one AXI4 manager port between burst readers and writers."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring

from hdl.axi.queue import ShiftQueue
from hdl.axi.signatures import AXI4, flat, port
from hdl.stream import SkidBuffer

__all__ = ["Arbiter"]

DATA_WIDTH = 64


class Arbiter(wiring.Component):
    """Gives several managers one port: bursts in turn, answers to whom they belong.

    Function: whenever the port is free for an address, the next manager after the one served last
    that offers one gets it (round robin), readers and writers apart. All bursts go out under
    ID 0, so AXI answers them in order, and a queue of owners says whose an answer is. A manager's
    own IDs are not passed on; it gets its answers in the order of its bursts. Words follow the
    order of the write addresses; a writer's words wait until its burst's turn.

    Latency: 1 clock for addresses, none for words and answers. Throughput: one address, one word
    each way, one response a clock. Back-pressure: ``outstanding`` bursts of readers and as many
    of writers are under way at most. A manager that does not take its answers, or announces a
    burst whose words it does not have, holds up the others behind it; `BurstReader` and
    `BurstWriter` do neither. The addresses of the port depend on registers only; words, responses
    and their readies pass through. Reset forgets all owners, so both sides must be reset too.

    Attributes
    ----------
    skids, owners, served
        The buffers of addresses, the queues of owners, and who was served last, by channel; for
        proofs.

    Members
    -------
    r0_*, r1_*, ... : In(AXI4, read channels), one for each of ``readers``
    w0_*, w1_*, ... : In(AXI4, write channels), one for each of ``writers``
    m_axi_* : Out(AXI4), without the read or write channels if nobody would use them
    """

    def __init__(
        self,
        *,
        readers: int,
        writers: int,
        address_width: int = 40,
        outstanding: int = 8,
        id_width: int = 1,
    ):
        if readers < 0 or writers < 0 or readers + writers == 0:
            raise ValueError(
                f"readers and writers must be at least one in all, not {(readers, writers)!r}"
            )
        if outstanding < 1 or outstanding & (outstanding - 1):
            raise ValueError(f"outstanding must be a power of two, not {outstanding!r}")
        widths = {"address_width": address_width, "id_width": id_width}
        self.readers = readers
        self.writers = writers
        self.outstanding = outstanding
        self.signature_reader = AXI4(**widths, write=False)
        self.signature_writer = AXI4(**widths, read=False)
        self.signature_axi = AXI4(**widths, read=readers > 0, write=writers > 0)
        members = flat("m_axi", self.signature_axi)
        for number in range(readers):
            members |= flat(f"r{number}", self.signature_reader.flip())
        for number in range(writers):
            members |= flat(f"w{number}", self.signature_writer.flip())
        super().__init__(members)
        layout = data.StructLayout(
            {
                "addr": address_width,
                "len": 8,
                "size": 3,
                "burst": 2,
                "cache": 4,
                "prot": 3,
            }
        )
        # One owner needs no bit to name, but Yosys wants a width that it can divide by.
        self.skids = {}
        self.owners = {}
        self.served = {}
        if readers:
            self.skids["ar"] = SkidBuffer(layout)
            self.served["ar"] = Signal(range(readers), name="ar_served")
            self.owners["r"] = ShiftQueue(range(max(readers, 2)), outstanding)
        if writers:
            self.skids["aw"] = SkidBuffer(layout)
            self.served["aw"] = Signal(range(writers), name="aw_served")
            self.owners["w"] = ShiftQueue(range(max(writers, 2)), outstanding)
            self.owners["b"] = ShiftQueue(range(max(writers, 2)), outstanding)

    def elaborate(self, platform):
        m = Module()
        for channel, skid in self.skids.items():
            m.submodules[f"{channel}_skid"] = skid
        for channel, queue in self.owners.items():
            m.submodules[f"{channel}_owners"] = queue
        if self.readers:
            self._share_reads(m)
        if self.writers:
            self._share_writes(m)
        return m

    def _share_reads(self, m):
        out = port(self, "m_axi", self.signature_axi)
        clients = [port(self, f"r{n}", self.signature_reader) for n in range(self.readers)]
        owners = self.owners["r"]
        self._share_addresses(m, "ar", out, clients, [owners])
        with m.Switch(owners.o.payload):
            for number, client in enumerate(clients):
                m.d.comb += [
                    client.rdata.eq(out.rdata),
                    client.rresp.eq(out.rresp),
                    client.rlast.eq(out.rlast),
                ]
                with m.Case(number):
                    m.d.comb += [
                        client.rvalid.eq(out.rvalid & owners.o.valid),
                        out.rready.eq(client.rready & owners.o.valid),
                    ]
        m.d.comb += owners.o.ready.eq(out.rvalid & out.rready & out.rlast)

    def _share_writes(self, m):
        out = port(self, "m_axi", self.signature_axi)
        clients = [port(self, f"w{n}", self.signature_writer) for n in range(self.writers)]
        words = self.owners["w"]
        responses = self.owners["b"]
        self._share_addresses(m, "aw", out, clients, [words, responses])
        with m.Switch(words.o.payload):
            for number, client in enumerate(clients):
                with m.Case(number):
                    m.d.comb += [
                        out.wvalid.eq(client.wvalid & words.o.valid),
                        out.wdata.eq(client.wdata),
                        out.wstrb.eq(client.wstrb),
                        out.wlast.eq(client.wlast),
                        client.wready.eq(out.wready & words.o.valid),
                    ]
        m.d.comb += words.o.ready.eq(out.wvalid & out.wready & out.wlast)
        with m.Switch(responses.o.payload):
            for number, client in enumerate(clients):
                m.d.comb += client.bresp.eq(out.bresp)
                with m.Case(number):
                    m.d.comb += [
                        client.bvalid.eq(out.bvalid & responses.o.valid),
                        out.bready.eq(client.bready & responses.o.valid),
                    ]
        m.d.comb += responses.o.ready.eq(out.bvalid & out.bready)

    def _share_addresses(self, m, channel: str, out, clients, queues):
        """Pass one client's address a clock to the port, and its number to the queues."""
        skid = self.skids[channel]
        names = skid.i.payload.shape().members
        served = self.served[channel]
        chosen = Signal(range(len(clients)), name=f"{channel}_chosen")
        passes = Signal(name=f"{channel}_passes")
        with m.Switch(served):
            for last in range(len(clients)):
                with m.Case(last):
                    # Of several assignments the last counts: the one after `last` comes first.
                    for number in reversed(range(last + 1, last + 1 + len(clients))):
                        number %= len(clients)
                        with m.If(getattr(clients[number], f"{channel}valid")):
                            m.d.comb += chosen.eq(number)
        with m.Switch(chosen):
            for number, client in enumerate(clients):
                with m.Case(number):
                    m.d.comb += [
                        skid.i.payload[name].eq(getattr(client, channel + name))
                        for name in names
                    ]
                    m.d.comb += [
                        passes.eq(
                            getattr(client, f"{channel}valid")
                            & skid.i.ready
                            & _all(queue.i.ready for queue in queues)
                        ),
                        getattr(client, f"{channel}ready").eq(passes),
                    ]
        m.d.comb += skid.i.valid.eq(passes)
        with m.If(passes):
            m.d.sync += served.eq(chosen)
        for queue in queues:
            m.d.comb += [queue.i.valid.eq(passes), queue.i.payload.eq(chosen)]
        m.d.comb += [
            getattr(out, f"{channel}valid").eq(skid.o.valid),
            skid.o.ready.eq(getattr(out, f"{channel}ready")),
        ]
        m.d.comb += [
            getattr(out, channel + name).eq(skid.o.payload[name]) for name in names
        ]


def _all(signals):
    result = 1
    for signal in signals:
        result = result & signal
    return result
