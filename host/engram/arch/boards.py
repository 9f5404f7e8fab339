"""The boards that the accelerator is built for, and the name of its IP core: each fact once.

Addresses of the processing systems' ports: Xilinx UG585 (Zynq-7000), table 4-1, and UG1085
(Zynq UltraScale+), chapter 10. Interrupts: UG585 table 7-4, UG1085 table 13-1.
"""

from dataclasses import dataclass
from typing import Literal

from engram.arch.accelerator import AcceleratorConfig
from engram.arch.laws import LAWS
from engram.arch.regs import ABI_MAJOR, ABI_MINOR

__all__ = [
    "BOARDS",
    "CONFIG",
    "INSTANCE",
    "INTERRUPTS_INSTANCE",
    "LIBRARY",
    "NAME",
    "PORT_BYTES",
    "VENDOR",
    "VERSION",
    "VLNV",
    "VLNVS",
    "Board",
]

# The core in Vivado's catalogue, and in the bindings of PYNQ.
VENDOR = "engram"
LIBRARY = "memory"
NAME = "engram"
VERSION = f"{ABI_MAJOR}.{ABI_MINOR}"
VLNV = f"{VENDOR}:{LIBRARY}:{NAME}:{VERSION}"
# Whatever this driver can drive: older cores of this ABI, and the bare module in a block design.
VLNVS = (
    *(f"{VENDOR}:{LIBRARY}:{NAME}:{ABI_MAJOR}.{minor}" for minor in range(ABI_MINOR + 1)),
    f"xilinx.com:module_ref:{NAME}:1.0",
)

# What is in each board's block design.
INSTANCE = "engram_0"
INTERRUPTS_INSTANCE = "axi_intc_0"
CONFIG = AcceleratorConfig(laws=tuple(LAWS))  # of the core, the same for all boards

PORT_BYTES = 0x1_0000  # of addresses that each register port is given


@dataclass(frozen=True)
class Board:
    """A board with a processor, and how the accelerator is wired to that.

    key : what commands and folders call it
    title : what people call it
    names : what PYNQ calls the device, or the variable BOARD the board
    part, board_part : Vivado's names of the chip, and a pattern for its files of the board
    family : of the processing system
    architecture : what Linux calls the processor
    registers, window, interrupts : where the core's registers, its window and the interrupt
        controller lie in the processor's address space. Registers stand behind the port that a
        hand-off lists last: PYNQ keeps one address of a core, and the last one wins
    interrupt : number at the GIC, less 32 (a shared peripheral interrupt)
    clock_mhz : that the core is built for
    dram_bytes : of the memory that the core can reach from address 0 on
    """

    key: str
    title: str
    names: tuple[str, ...]
    part: str
    board_part: str
    family: Literal["zynq", "zynqmp"]
    architecture: Literal["armv7l", "aarch64"]
    registers: int
    window: int
    interrupts: int
    interrupt: int
    clock_mhz: int
    dram_bytes: int


BOARDS = {
    board.key: board
    for board in (
        Board(
            key="pynq-z2",
            title="PYNQ-Z2",
            names=("Pynq-Z2", "pynq-z2", "PYNQ-Z2"),
            part="xc7z020clg400-1",
            board_part="tul.com.tw:pynq-z2:part0:*",
            family="zynq",
            architecture="armv7l",
            registers=0x8000_0000,  # M_AXI_GP1
            window=0x4000_0000,  # M_AXI_GP0, all of its 1 GiB
            interrupts=0x8180_0000,
            interrupt=29,
            clock_mhz=100,
            dram_bytes=1 << 29,
        ),
        Board(
            key="kv260",
            title="Kria KV260",
            names=("KV260", "kv260"),
            part="xck26-sfvc784-2LV-c",
            board_part="xilinx.com:kv260_som:part0:*",
            family="zynqmp",
            architecture="aarch64",
            registers=0xB000_0000,  # M_AXI_HPM1_FPD, its lower range
            window=0x4_0000_0000,  # M_AXI_HPM0_FPD, its upper range
            interrupts=0xB001_0000,
            interrupt=89,
            clock_mhz=150,
            dram_bytes=1 << 31,  # below the gap; the other half lies from 0x8_0000_0000 on
        ),
    )
}
