"""What the model of a board starts from: ranges, each with who says so."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from engram.arch.boards import Board

__all__ = ["Input", "inputs"]

Basis = Literal["published", "measured", "estimated", "chosen"]

_A9_OVER_A53 = (2, 3)
_IMAGE_US = (27.0, 36.0)  # of a store from Python on a Cortex-A9
_CONTROLLER_ACCESSES = 6
_SYSTEM_CALL_US = (5, 30)
_UIO_US = 20
_DPU_WATTS = 0.98
_DPU_LUTS = 45_433
_DPU_MHZ = 300

_FORUM = "discuss.pynq.io/t/389: 5,600 MMIO.write in a loop take 150 to 200 ms on a PYNQ-Z1"
_SADRI = (
    "Sadri et al., FPGAworld 2013: 1.6 GB/s both ways at 125 MHz on an XC7Z020, of the 2.0 of "
    "its 64 bits"
)
_HOROWITZ = "Horowitz, ISSCC 2014: 1.3 to 2.6 nJ for 64 bits"
_SIMFERO = "simfero.eu, 'What one inference costs in watts' (2026)"


@dataclass(frozen=True)
class Input:
    """A range that the model starts from.

    basis : who says so: published, measured here, estimated by us, or chosen by this design
    source : where, by which command, or from what
    """

    least: float
    most: float
    unit: str
    basis: Basis
    source: str

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain types, for JSON."""
        return asdict(self)


def inputs(board: Board, clocks: Mapping[str, Any]) -> dict[str, Input]:
    """Return what the model knows of a board, by name.

    clocks : what was measured, as it lies in ``board_clocks.json``
    """
    zynq = board.family == "zynq"
    return {
        **_gateware(board, clocks),
        **_memory(zynq),
        **_processor(zynq, clocks),
        **_energy(board, zynq, clocks),
    }


def _gateware(board: Board, clocks: Mapping[str, Any]) -> dict[str, Input]:
    reached = float(clocks["reached_mhz"])
    low = min(board.clock_mhz, reached // 5 * 5)
    soonest, latest = clocks["latencies"]
    return {
        "clock": Input(
            low, board.clock_mhz, "MHz", "chosen",
            "at most what the design asks for; at least what nextpnr reached on an ECP5 of grade 6 "
            f"with law 1 alone ({reached:.1f}, `python -m benchmarks.gateware`), in full fives: "
            "no timing of Xilinx parts is known here",
        ),
        "latency of DRAM": Input(
            soonest, latest, "clocks", "estimated",
            "from the address to the first word, at the core's port",
        ),
    }  # fmt: skip


def _memory(zynq: bool) -> dict[str, Input]:
    if zynq:
        port = Input(0.8, 1, "of 8 bytes a clock, each way", "published", _SADRI)
        dram = Input(
            1575, 1575, "MB/s, both ways together", "published",
            "16 bits at 1,050 Mb/s (PYNQ's boards/Pynq-Z2, pynqz2.tcl), of which the controller "
            "gets 75 % (UG585, 22.3.2)",
        )  # fmt: skip
    else:
        port = Input(
            0.8, 1, "of 8 bytes a clock, each way", "estimated", f"as on the Zynq-7000 ({_SADRI})"
        )
        dram = Input(
            14400, 17760, "MB/s, both ways together", "published",
            "64 bits at 2,400 Mb/s (DS987), of which 75 to 92.5 % were reached on two boards of "
            "the family (Manev et al., FPT 2019)",
        )  # fmt: skip
    return {"port to DRAM": port, "DRAM": dram}


def _processor(zynq: bool, clocks: Mapping[str, Any]) -> dict[str, Input]:
    """Return what the processor takes: the Cortex-A53's from the Cortex-A9's."""
    driver = clocks["driver"]
    here = {
        part: float(driver[f"{part}_seconds"]) * 1e6
        for part in ("store", "access", "sync", "loop")
    }
    if zynq:
        store = Input(*_IMAGE_US, "us", "published", _FORUM)
        line = (0.5, 2.0)
    else:
        store = Input(
            _IMAGE_US[0] / _A9_OVER_A53[1],
            _IMAGE_US[1] / _A9_OVER_A53[0],
            "us",
            "estimated",
            "a third to half of the Cortex-A9's: twice its clock (1,333 to 650 MHz), and up to "
            f"half as much again a clock ({_FORUM})",
        )
        line = (0.125, 1.0)
    ratio = (store.least / here["store"], store.most / here["store"])
    return {
        "MMIO.write in a loop": store,
        "Python there over Python here": Input(
            *ratio, "times", "estimated",
            f"the loop above over {here['store']:.2f} us for the same here (Python "
            f"{driver['python']}, pynq {driver['pynq']}, `python -m benchmarks.board_driver`); the "
            "published one had an older Python, and NumPy's work need not scale like it",
        ),
        "register access": Input(
            here["access"] * ratio[0], here["access"] * ratio[1], "us", "estimated",
            f"{here['access']:.2f} us of the driver here, scaled as Python",
        ),
        "flush or invalidate, the call": Input(
            here["sync"] * ratio[0] + _SYSTEM_CALL_US[0],
            here["sync"] * ratio[1] + _SYSTEM_CALL_US[1],
            "us", "estimated",
            f"{here['sync']:.2f} us of the driver here, scaled as Python, and a system call of "
            f"{_SYSTEM_CALL_US[0]} to {_SYSTEM_CALL_US[1]}",
        ),
        "flush or invalidate, a byte": Input(
            *line, "ns", "estimated",
            "around 1.5 on the Zynq-7000, from rsoc-framework.com: 400 MB/s, of which 60 % of the "
            "time is coherency by software"
            + ("" if zynq else "; lines of twice the size, and twice the clock"),
        ),
        "wake-up by interrupt": Input(
            here["loop"] * ratio[0] + _CONTROLLER_ACCESSES * store.least + _UIO_US,
            here["loop"] * ratio[1] + _CONTROLLER_ACCESSES * store.most + _UIO_US,
            "us", "estimated",
            f"{here['loop']:.0f} us of asyncio here, scaled as Python; {_CONTROLLER_ACCESSES} "
            "accesses of pynq to the interrupt controller, each as in the loop above; "
            f"{_UIO_US} us of Linux (harmoninstruments.com/posts/uio)",
        ),
    }  # fmt: skip


def _energy(board: Board, zynq: bool, clocks: Mapping[str, Any]) -> dict[str, Input]:
    luts = int(clocks["luts"])
    core = _DPU_WATTS * luts / _DPU_LUTS * board.clock_mhz / _DPU_MHZ
    found = (
        f"{_DPU_WATTS} W more under a DPU ({_SIMFERO}), by its LUTs and clock ({_DPU_LUTS:,} at "
        f"{_DPU_MHZ} MHz, Kria's documentation) and ours ({luts:,}, `benchmarks.gateware`)"
    )
    if zynq:
        power = Input(
            1.25, 2.5, "W", "estimated",
            "at most what a USB port gives, which the PYNQ-Z1's manual calls enough for smaller "
            "designs; at least half of it",
        )
        logic = Input(core, 4 * core, "W", "estimated", f"{found}, up to four times for 28 nm")
        bit = Input(
            20, 70, "pJ a bit", "published",
            f"{_HOROWITZ}; Malladi et al., ISCA 2012: 70 pJ a bit of DDR3",
        )
    else:
        power = Input(9.15, 10.13, "W", "published", f"{_SIMFERO}: idle and with a DPU, at 12 V")
        logic = Input(core / 2, 2 * core, "W", "estimated", f"{found}, half to double")
        bit = Input(20, 40, "pJ a bit", "published", f"{_HOROWITZ}; DDR4 may take less")
    return {"the board": power, "the core": logic, "access to DRAM": bit}  # fmt: skip
