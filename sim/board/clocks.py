"""The clock registers of the two processing systems, as their boot loaders leave them.

Offsets and fields: Xilinx UG585 (Zynq-7000), appendix B.28, and UG1087 (Zynq UltraScale+),
modules CRL_APB and CRF_APB. Values: what gives the processor of each board its usual clock.
"""

from sim.board.memory_map import Region

__all__ = ["ClockRegisters", "clock_registers"]

_BLOCK_BYTES = 0x1000


def _zynq_pll(multiplier: int) -> int:
    return multiplier << 12


def _zynqmp_pll(multiplier: int) -> int:
    return 1 << 16 | multiplier << 8  # its output halved


# By family: name, base, words that are not 0. Reference clocks are 50 and 33.333 MHz.
_BLOCKS: dict[str, tuple[tuple[str, int, dict[int, int]], ...]] = {
    "zynq": (
        (
            "slcr",
            0xF800_0000,
            {
                0x100: _zynq_pll(26),  # ARM: 1300 MHz
                0x104: _zynq_pll(21),  # DDR: 1050 MHz
                0x108: _zynq_pll(20),  # IO: 1000 MHz
                0x120: 2 << 8,  # the processor: 650 MHz
                # Four clocks of the fabric, from the IO PLL: 50 MHz until an overlay says.
                **{0x170 + 0x10 * clock: 1 << 20 | 20 << 8 for clock in range(4)},
            },
        ),
    ),
    "zynqmp": (
        (
            "crl_apb",
            0xFF5E_0000,
            {
                0x20: _zynqmp_pll(90),  # IO: 1500 MHz
                0x30: _zynqmp_pll(64),  # RPLL: 1067 MHz
                **{0xC0 + 4 * clock: 1 << 24 | 1 << 16 | 30 << 8 for clock in range(4)},
            },
        ),
        (
            "crf_apb",
            0xFD1A_0000,
            {
                0x20: _zynqmp_pll(80),  # APLL: 1333 MHz
                0x2C: _zynqmp_pll(72),  # DPLL: 1200 MHz
                0x38: _zynqmp_pll(90),  # VPLL: 1500 MHz
                0x60: 1 << 8,  # the processors: 1333 MHz
            },
        ),
    ),
}


class ClockRegisters(Region):
    """Words that keep what was written to them."""

    def __init__(self, name: str, base: int, words: dict[int, int]) -> None:
        super().__init__(name, base, _BLOCK_BYTES)
        self._words = dict(words)

    def read(self, offset: int) -> int:
        """Return a word; 0 where none was set."""
        return self._words.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        """Keep a word."""
        self._words[offset] = value


def clock_registers(family: str) -> list[ClockRegisters]:
    """Return the blocks that PYNQ sets clocks by, as they are after boot."""
    return [ClockRegisters(*block) for block in _BLOCKS[family]]
