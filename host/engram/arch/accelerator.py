"""The parameters of one build of the accelerator: what gateware, golden model and driver share."""

from dataclasses import dataclass

from engram.arch.laws import DEFAULT_LAW, LAWS, Law
from engram.arch.pages import WORD_BYTES

__all__ = ["FRAME_BITS", "AcceleratorConfig"]

FRAME_BITS = 20  # frames are numbered within their pool: 2**20 of 4 KiB are 4 GiB

LIMITS = {
    "lanes": (1, 16),
    "tlb_entries": (2, 64),
    "regions": (1, 64),
    "address_bits": (32, 56),
    "window_bits": (13, 48),
    "window_id_bits": (1, 16),
}


@dataclass(frozen=True)
class AcceleratorConfig:
    """What a build of the accelerator has. The first law is the one that it must have.

    lanes : words the generator makes at once, each with pipelines of its own
    laws : numbers of the laws that are built
    tlb_entries : pages whose whereabouts the TLB remembers, a power of two
    regions : entries of the region table
    address_bits : of a byte address in DRAM
    window_bits : of a byte address within the window
    window_id_bits : of a transaction's ID at the window (12 at the GP port of a Zynq-7000)
    """

    lanes: int = 1
    laws: tuple[int, ...] = (DEFAULT_LAW,)
    tlb_entries: int = 16
    regions: int = 8
    address_bits: int = 40
    window_bits: int = 30
    window_id_bits: int = 12

    def __post_init__(self) -> None:
        for name, (least, most) in LIMITS.items():
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"{name} must be in {least}..{most}, not {getattr(self, name)!r}")
        if self.tlb_entries & (self.tlb_entries - 1):
            raise ValueError(f"tlb_entries must be a power of two, not {self.tlb_entries!r}")
        if not self.laws or len(set(self.laws)) < len(self.laws):
            raise ValueError(f"laws must be one or more, each once, not {self.laws!r}")
        if unknown := set(self.laws) - set(LAWS):
            raise ValueError(f"laws must be of {sorted(LAWS)}, not {sorted(unknown)!r}")

    @property
    def built_laws(self) -> tuple[Law, ...]:
        """The laws that are built."""
        return tuple(LAWS[number] for number in self.laws)

    @property
    def law_mask(self) -> int:
        """Bit n says that law n is built: the register LAWS."""
        return sum(1 << number for number in self.laws)

    @property
    def window_words(self) -> int:
        """Words that the window shows at a time."""
        return (1 << self.window_bits) // WORD_BYTES

