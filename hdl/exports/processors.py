"""The processing systems of the boards: ports, pins and settings as Vivado names them.

Ranges behind the ports: UG585, table 4-1, and UG1085, chapter 10.
"""

from dataclasses import dataclass

from engram.arch.boards import Board

__all__ = ["PROCESSORS", "ManagerPort", "Processor", "pll_divisors", "port_of", "settings"]

GIB = 1 << 30


@dataclass(frozen=True)
class ManagerPort:
    """A port through which the processor reaches the fabric: name, clock pin, and ranges."""

    name: str
    clock: str
    protocol: str
    data_bits: int
    ranges: tuple[tuple[int, int], ...]

    def reaches(self, address: int, size: int) -> bool:
        """Whether so many bytes from an address on lie behind this port."""
        return any(
            base <= address and address + size <= base + room for base, room in self.ranges
        )


@dataclass(frozen=True)
class Processor:
    """A family's processing system.

    module, version : of Vivado's IP core
    instance : what the block design calls it
    architecture : as a .hwh says it
    managers : in the order in which Vivado lists them
    memory, memory_clock, memory_bits : the port to DRAM
    memory_map : what addresses behind that port are called by
    memory_segments : names and first bytes of stretches of DRAM, each of the board's `dram_bytes`
    memory_excluded : whatever else lies behind that port
    external : interfaces that leave the chip
    clock, reset, interrupt : pins
    pll, pll_mhz : that the fabric's clock is divided from
    clock_setting : what sets that clock, in MHz
    """

    module: str
    version: str
    instance: str
    architecture: str
    managers: tuple[ManagerPort, ...]
    memory: str
    memory_clock: str
    memory_bits: int
    memory_protocol: str
    memory_map: str
    memory_segments: tuple[tuple[str, int], ...]
    memory_excluded: tuple[str, ...]
    external: tuple[str, ...]
    clock: str
    reset: str
    interrupt: str
    pll: str
    pll_mhz: int
    clock_setting: str


PROCESSORS = {
    "zynq": Processor(
        module="processing_system7",
        version="5.5",
        instance="processing_system7_0",
        architecture="zynq",
        managers=(
            ManagerPort("M_AXI_GP0", "M_AXI_GP0_ACLK", "AXI3", 32, ((0x4000_0000, GIB),)),
            ManagerPort("M_AXI_GP1", "M_AXI_GP1_ACLK", "AXI3", 32, ((0x8000_0000, GIB),)),
        ),
        memory="S_AXI_HP0",
        memory_clock="S_AXI_HP0_ACLK",
        memory_bits=64,  # PYNQ does not set the width of a Zynq-7000's port: this is the reset's
        memory_protocol="AXI3",
        memory_map="S_AXI_HP0",
        memory_segments=(("HP0_DDR_LOWOCM", 0),),
        memory_excluded=(),
        external=("FIXED_IO", "DDR"),
        clock="FCLK_CLK0",
        reset="FCLK_RESET0_N",
        interrupt="IRQ_F2P",
        pll="IO PLL",
        pll_mhz=1000,
        clock_setting="CONFIG.PCW_FPGA0_PERIPHERAL_FREQMHZ",
    ),
    "zynqmp": Processor(
        module="zynq_ultra_ps_e",
        version="3.5",
        instance="zynq_ultra_ps_e_0",
        architecture="zynquplus",
        managers=(
            ManagerPort(
                "M_AXI_HPM0_FPD",
                "maxihpm0_fpd_aclk",
                "AXI4",
                128,
                ((0xA000_0000, GIB // 4), (0x4_0000_0000, 4 * GIB)),
            ),
            ManagerPort(
                "M_AXI_HPM1_FPD",
                "maxihpm1_fpd_aclk",
                "AXI4",
                128,
                ((0xB000_0000, GIB // 4), (0x5_0000_0000, 4 * GIB)),
            ),
        ),
        memory="S_AXI_HP0_FPD",
        memory_clock="saxihp0_fpd_aclk",
        memory_bits=128,  # the width out of reset, for whoever does not set it
        memory_protocol="AXI4",
        memory_map="SAXIGP2",
        memory_segments=(("HP0_DDR_LOW", 0), ("HP0_DDR_HIGH", 0x8_0000_0000)),
        memory_excluded=("HP0_LPS_OCM", "HP0_QSPI"),
        external=(),
        clock="pl_clk0",
        reset="pl_resetn0",
        interrupt="pl_ps_irq0",
        pll="IOPLL",
        pll_mhz=1500,
        clock_setting="CONFIG.PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ",
    ),
}


def port_of(board: Board, address: int, size: int) -> ManagerPort:
    """Return the processor's port behind which a range lies; raise ValueError for none."""
    for port in PROCESSORS[board.family].managers:
        if port.reaches(address, size):
            return port
    raise ValueError(
        f"{size:#x} bytes of addresses must lie behind a port of {board.title}, "
        f"not at {address:#x}"
    )


def pll_divisors(board: Board) -> tuple[int, int]:
    """Return the two divisors, 1 to 63 each, that make the board's clock of the PLL's."""
    pll = PROCESSORS[board.family].pll_mhz
    for second in range(1, 64):
        first, rest = divmod(pll, board.clock_mhz * second)
        if not rest and 1 <= first <= 63:
            return first, second
    raise ValueError(f"clock_mhz of {board.title} must divide {pll}, not {board.clock_mhz!r}")


def settings(board: Board) -> dict[str, str]:
    """Return what the processing system is set to, beside its clock: the same for Vivado and PYNQ.
    """
    if board.family == "zynq":
        return {
            "PCW_USE_M_AXI_GP0": "1",
            "PCW_USE_M_AXI_GP1": "1",
            "PCW_USE_S_AXI_HP0": "1",
            "PCW_S_AXI_HP0_DATA_WIDTH": str(PROCESSORS["zynq"].memory_bits),
            "PCW_USE_FABRIC_INTERRUPT": "1",
            "PCW_IRQ_F2P_INTR": "1",
            "PCW_EN_CLK0_PORT": "1",
        }
    processor = PROCESSORS["zynqmp"]
    return {
        "PSU__USE__M_AXI_GP0": "1",  # M_AXI_HPM0_FPD
        "PSU__USE__M_AXI_GP1": "1",  # M_AXI_HPM1_FPD
        "PSU__USE__M_AXI_GP2": "0",  # M_AXI_HPM0_LPD, which is there unless said otherwise
        "PSU__USE__S_AXI_GP2": "1",  # S_AXI_HP0_FPD
        "PSU__MAXIGP0__DATA_WIDTH": str(processor.managers[0].data_bits),
        "PSU__MAXIGP1__DATA_WIDTH": str(processor.managers[1].data_bits),
        "PSU__SAXIGP2__DATA_WIDTH": str(processor.memory_bits),
        "PSU__USE__IRQ0": "1",
        "PSU__FPGA_PL0_ENABLE": "1",
    }
