"""The descriptor in work: its fields, and how they move on from piece to piece."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from engram.arch.commands import DESCRIPTOR_WORDS, FORMS, INDEX_BATCH, Opcode
from engram.arch.page_table import MAX_BUCKETS_LOG2
from engram.arch.pages import PAGE_WORDS

__all__ = ["Operands", "fields_layout"]

# Words 1 to 5 of a descriptor.
WORDS = ("address", "count", "buffer", "indices", "buckets_log2")


def fields_layout() -> data.StructLayout:
    """Return the fields of a descriptor; ``crowded`` says that word 5 is out of range."""
    return data.StructLayout({
        "opcode": 8,
        "flags": 8,
        "law": 8,
        "tag": 32,
        "address": 64,
        "count": 64,
        "buffer": 64,
        "indices": 64,
        "buckets_log2": range(MAX_BUCKETS_LOG2 + 1),
        "crowded": 1,
    })


class Operands(wiring.Component):
    """Takes a descriptor in, word by word, says whether it is well formed, and counts it down.

    ``well_formed`` is good from the second clock after the last word on. What moves the fields
    takes effect in the next clock; only one of the three is high in one clock.

    Parameters
    ----------
    address_bits : int
        Bits of a buffer's address that move on; those above are only kept to be checked.

    Members
    -------
    begin : In(1), the next word is the first of a descriptor
    word : In(64)
    word_valid : In(1)
    fields : Out(fields_layout())
    well_formed : Out(1), opcode and flags exist and nothing is set that must be zero
    step : In(1), move on by ``step_words`` words: address and buffer up, count down
    step_words : In, 1 to 512
    load_address : In(1), the address becomes ``loaded``, as for the next word of a GATHER
    loaded : In(64)
    skip : In(1), the indices move on by ``skip_words``
    skip_words : In, 1 to 16
    """

    def __init__(self, address_bits: int):
        self.address_bits = address_bits
        super().__init__({
            "begin": In(1),
            "word": In(64),
            "word_valid": In(1),
            "fields": Out(fields_layout()),
            "well_formed": Out(1),
            "step": In(1),
            "step_words": In(range(PAGE_WORDS + 1)),
            "load_address": In(1),
            "loaded": In(64),
            "skip": In(1),
            "skip_words": In(range(INDEX_BATCH + 1)),
        })

    def elaborate(self, platform):
        m = Module()
        fields = self.fields
        word = self.word
        place = Signal(range(DESCRIPTOR_WORDS))
        used = Signal(DESCRIPTOR_WORDS)  # which words are not zero
        reserved = Signal()
        with m.If(self.begin):
            m.d.sync += place.eq(0)
        with m.Elif(self.word_valid):
            m.d.sync += [place.eq(place + 1), used.bit_select(place, 1).eq(word.any())]
            with m.Switch(place):
                with m.Case(0):
                    m.d.sync += [
                        Cat(fields.opcode, fields.flags, fields.law).eq(word[:24]),
                        reserved.eq(word[24:32].any()),
                        fields.tag.eq(word[32:]),
                    ]
                for number, name in enumerate(WORDS, start=1):
                    with m.Case(number):
                        m.d.sync += fields[name].eq(word)
                        if name == "buckets_log2":
                            m.d.sync += fields.crowded.eq(word > MAX_BUCKETS_LOG2)
        self._check(m, used, reserved)
        self._move(m)
        return m

    def _check(self, m, used, reserved):
        fields = self.fields
        named = Signal(DESCRIPTOR_WORDS)
        flags = Signal(8)
        known = Signal()
        law = Signal()
        for opcode, form in FORMS.items():
            places = [0, *(1 + WORDS.index(name) for name in form.fields)]
            with m.If(fields.opcode == opcode):
                m.d.comb += [
                    known.eq(1),
                    named.eq(sum(1 << place for place in places)),
                    flags.eq(int(form.flags)),
                    law.eq(form.law),
                ]
        lawless = fields.law == 0
        m.d.sync += self.well_formed.eq(
            known
            & ~reserved
            & ~(used & ~named).any()
            & ~(fields.flags & ~flags).any()
            & (law | lawless)
            & ~((fields.opcode == Opcode.SELECT) & lawless)
        )

    def _move(self, m):
        fields = self.fields
        bits = self.address_bits
        with m.If(self.step):
            m.d.sync += [
                fields.address.eq(fields.address + self.step_words),
                fields.buffer[:bits].eq(fields.buffer[:bits] + (self.step_words << 3)),
                fields.count[:32].eq(fields.count[:32] - self.step_words),
            ]
        with m.If(self.load_address):
            m.d.sync += fields.address.eq(self.loaded)
        with m.If(self.skip):
            m.d.sync += fields.indices[:bits].eq(
                fields.indices[:bits] + (self.skip_words << 3)
            )
