"""Vivado's script in the mock of Vivado: clean as it stands, and refused with a fault in it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engram.arch.boards import BOARDS, CONFIG, INSTANCE, PORT_BYTES
from tests.firmware.dry_runs import FIRMWARE, NO_TCL, build, calls, dry_run, edit, refused

SCRIPTS = ("build", "package_ip", "versions")
MOCK = ("vivado", "cells", "design", "commands", "packaging")
GENERATED = ("boards", "registers")

pytestmark = pytest.mark.skipif(NO_TCL is not None, reason=NO_TCL or "")


def test_both_boards_are_built_in_the_mock(made) -> None:
    for key in BOARDS:
        left = {path.name for path in (made / "check" / key).iterdir() if path.is_file()}
        assert left == {"engram.bit", "engram.hwh", "engram.xsa"}


@pytest.mark.parametrize("key", BOARDS)
def test_addresses_and_clock_are_the_boards(key, copy) -> None:
    board = BOARDS[key]
    log = copy / "log"
    assert build(copy, key, MOCK_LOG=str(log)).returncode == 0
    placed = {
        match[4]: (int(match[1], 0), int(match[2], 0))
        for line in calls(log, "assign_bd_address")
        if (match := re.search(r"-offset (\S+) -range (\S+) .*space (\S+) (\S+) -force", line))
    }
    dram = {path: at for path, at in placed.items() if "DDR" in path}
    assert {path: at for path, at in placed.items() if path not in dram} == {
        f"/{INSTANCE}/S_AXIL/registers": (board.registers, PORT_BYTES),
        f"/{INSTANCE}/S_AXI/window": (board.window, 1 << CONFIG.window_bits),
        "/axi_intc_0/s_axi/Reg": (board.interrupts, PORT_BYTES),
    }
    assert min(dram.values()) == (0, board.dram_bytes)
    (set_up,) = (line for line in calls(log, "set_property") if "FREQMHZ" in line)
    assert f"FREQMHZ {board.clock_mhz}}}" in set_up
    assert build(copy, key, "75.5", MOCK_LOG=str(log)).returncode == 0
    (set_up,) = (line for line in calls(log, "set_property") if "FREQMHZ" in line)
    assert "FREQMHZ 75.5}" in set_up


def test_without_files_of_the_board_there_is_a_warning_and_half_the_dram(copy) -> None:
    log = copy / "log"
    done = build(copy, MOCK_NO_BOARD="1", MOCK_LOG=str(log))
    assert done.returncode == 0
    assert "WARNING: no board files of Kria KV260" in done.stdout
    assert "HP0_DDR_HIGH" not in "".join(calls(log, "assign_bd_address"))
    assert build(copy, MOCK_LOG=str(log)).returncode == 0
    assert "HP0_DDR_HIGH" in "".join(calls(log, "assign_bd_address"))


FAULTS = {
    "a misspelt command": (
        "build.tcl", "validate_bd_design", "validate_bd_desing",
        "Vivado has no command validate_bd_desing",
    ),
    "an option that there is not": (
        "build.tcl", "launch_runs impl_1 -to_step", "launch_runs impl_1 -to_steps",
        "launch_runs has no option -to_steps",
    ),
    "an option without its value": (
        "build.tcl", "make_wrapper -files [get_files $name.bd] -top", "make_wrapper -top -files",
        "option -files of make_wrapper must have a value",
    ),
    "too many arguments": (
        "build.tcl", "save_bd_design\n", "save_bd_design now\n", "save_bd_design takes 0 to 0",
    ),
    "a misspelt pin": (
        "build.tcl", "reset/peripheral_aresetn [list", "reset/peripheral_arestn [list",
        "no such pin: reset/peripheral_arestn",
    ),
    "a pin that is not there as it is set": (
        "build.tcl", "{CONFIG.C_IRQ_CONNECTION 1}", "{CONFIG.C_IRQ_CONNECTION 0}",
        "no such pin: axi_intc_0/irq",
    ),
    "a misspelt bus": (
        "build.tcl", "view/M00_AXI", "view/M0_AXI", "no such bus: view/M0_AXI",
    ),
    "a bus too many": (
        "build.tcl", "join_buses view/M00_AXI", "join_buses view/M01_AXI",
        "no such bus: view/M01_AXI",
    ),
    "a second driver": (
        "build.tcl", "join_pins $intc/irq",
        "join_pins reset/mb_reset $intc/intr\njoin_pins $intc/irq",
        "pin /axi_intc_0/intr is driven twice",
    ),
    "two outputs together": (
        "build.tcl", "join_pins $intc/irq",
        "join_pins reset/mb_reset $intc/irq\njoin_pins $intc/irq",
        "of /reset/mb_reset /axi_intc_0/irq one must drive, not 2",
    ),
    "a clock left out": (
        "build.tcl", "view/aclk memory/aclk", "memory/aclk", "clock aclk of view is not connected",
    ),
    "a reset left out": (
        "build.tcl", "$ours/[of_core reset] $intc/s_axi_aresetn", "$intc/s_axi_aresetn",
        "reset aresetn of engram_0 is not connected",
    ),
    "a bus left out": (
        "build.tcl", "join_buses control/M01_AXI $intc/s_axi\n", "\n",
        "/processing_system7_0/Data does not reach /axi_intc_0/s_axi/Reg",
    ),
    "a bus that is set and not used": (
        "build.tcl", "{CONFIG.NUM_SI 1 CONFIG.NUM_MI 2}", "{CONFIG.NUM_SI 2 CONFIG.NUM_MI 2}",
        "bus S01_AXI of control is not connected",
    ),
    "a bus joined twice": (
        "build.tcl", "join_buses view/M00_AXI", "join_buses control/M00_AXI",
        "bus /control/M00_AXI is connected already",
    ),
    "two managers joined": (
        "build.tcl", "join_buses memory/M00_AXI $ps/[of_board memory_port]",
        "join_buses memory/M00_AXI view/M00_AXI", "bus /view/M00_AXI is connected already",
    ),
    "a variable that is not set": (
        "build.tcl", "[file join $out $name.xsa]", "[file join $outt $name.xsa]",
        'can\'t read "outt": no such variable',
    ),
    "a variable of the mock's": (
        "build.tcl", "-part [of_board part]", "-part $part", 'can\'t read "part": no such variable',
    ),
    "properties that are not pairs": (
        "build.tcl", "[of_board clock_setting] $mhz] $cell", "[of_board clock_setting]] $cell",
        "properties must come in pairs",
    ),
    "a setting that there is not": (
        "build.tcl", "CONFIG.NUM_MI 2", "CONFIG.NUM_MIS 2", "cell control has no setting NUM_MIS",
    ),
    "a property that there is not": (
        "build.tcl", "ip_repo_paths $repository", "ip_repo_path $repository",
        "a project has no property ip_repo_path",
    ),
    "an IP core that there is not": (
        "build.tcl", "xilinx.com:ip:proc_sys_reset", "xilinx.com:ip:proc_sys_rst",
        "Vivado's catalogue must have xilinx.com:ip:proc_sys_rst",
    ),
    "a cell of a name that is taken": (
        "build.tcl", "add_cell view ", "add_cell control ", "cell control is there already",
    ),
    "no validation": (
        "build.tcl", "validate_bd_design\n", "\n", "the block design must be validated before",
    ),
    "another top": (
        "build.tcl", "set_property top ${name}_wrapper", "set_property top ${name}_top",
        "top must be the wrapper of the block design",
    ),
    "a segment without address": (
        "build.tcl", "place $ps/Data $intc/s_axi/Reg", "#", "/axi_intc_0/s_axi/Reg has no address",
    ),
    "a hand-off looked for elsewhere": (
        "build.tcl", "hw_handoff/$name.hwh", "handoff/$name.hwh",
        "Vivado must leave one file engram.{gen,srcs}/sources_1/bd/engram/handoff/engram.hwh",
    ),
    "addresses that overlap": (
        "boards.tcl", "interrupts_base 0xINTERRUPTS", "interrupts_base 0xREGISTERS",
        "addresses of /axi_intc_0/s_axi/Reg overlap those of /engram_0/S_AXIL/registers",
    ),
    "an address behind no port": (
        "boards.tcl", "registers_base 0xREGISTERS", "registers_base 0x10000000",
        "offset of /engram_0/S_AXIL/registers must lie in what",
    ),
    "an address that is not aligned": (
        "boards.tcl", "registers_base 0xREGISTERS", "registers_base 0xREGISTERS + 4096",
        "offset of /engram_0/S_AXIL/registers must be a multiple of its range",
    ),
    "DRAM elsewhere": (
        "boards.tcl", "{HP0_DDR_LOWOCM 0x0", "{HP0_DDR_LOWOCM 0x20000000",
        "offset of /processing_system7_0/S_AXI_HP0/HP0_DDR_LOWOCM must be 0x0",
    ),
    "a port that is not enabled": (
        "boards.tcl", "CONFIG.PCW_USE_M_AXI_GP1 1", "CONFIG.PCW_USE_M_AXI_GP1 0",
        "no such bus: processing_system7_0/M_AXI_GP1",
    ),
    "an interrupt that is not enabled": (
        "boards.tcl", "CONFIG.PCW_IRQ_F2P_INTR 1", "CONFIG.PCW_IRQ_F2P_INTR 0",
        "no such pin: processing_system7_0/IRQ_F2P",
    ),
    "ports of the processor that stay inside": (
        "boards.tcl", "external {FIXED_IO DDR}", "external {}",
        "bus DDR of processing_system7_0 must leave the chip",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_refused(fault, copy) -> None:
    file, old, new, says = FAULTS[fault]
    board = BOARDS["pynq-z2"]
    new = new.replace("0xREGISTERS + 4096", f"0x{board.registers + 4096:X}")
    for name, number in (("REGISTERS", board.registers), ("INTERRUPTS", board.interrupts)):
        old, new = (text.replace(f"0x{name}", f"0x{number:X}") for text in (old, new))
    folder = "generated" if file == "boards.tcl" else "vivado"
    edit(copy / folder / file, old, new)
    refused(build(copy, "pynq-z2"), says)


def test_ports_of_different_protocols_are_not_joined(copy) -> None:
    edit(
        copy / "vivado" / "build.tcl",
        "join_buses $ps/[of_board window_port] view/S00_AXI\n"
        "join_buses view/M00_AXI $ours/[of_core window_port]\n",
        "join_buses $ps/[of_board window_port] $ours/[of_core window_port]\n",
    )
    refused(build(copy, "pynq-z2"), "buses /processing_system7_0/M_AXI_")


def test_what_cannot_be_built_is_refused(copy, tmp_path) -> None:
    refused(build(copy, "zcu104"), 'BOARD must be one of pynq-z2, kv260, not "zcu104"')
    for mhz in ("fast", "0", "1000"):
        refused(build(copy, "kv260", mhz), f'MHZ must be in 1..400, not "{mhz}"')
    refused(build(copy, "kv260", "100", "more"), "arguments must be BOARD")
    refused(dry_run(copy / "vivado" / "build.tcl"), "arguments must be BOARD")
    refused(build(copy, MOCK_VERSION="2021.2"), "Vivado must be 2022.1 or newer, not 2021.2")
    refused(build(copy, MOCK_VERSION="none"), "version of Vivado must begin with a number")
    assert build(copy, MOCK_VERSION="2022.1").returncode == 0
    assert build(copy, MOCK_VERSION="2025.1.1").returncode == 0
    done = build(copy, MOCK_SLACK="-0.041")
    refused(done, "timing is not met at 150 MHz: slack of setup is -0.041 ns")
    refused(build(copy, MOCK_SLACK=""), 'slack of setup must be a number, not ""')
    refused(build(copy, MOCK_PROGRESS="37%"), "implementation must come to its end, not to stopped")
    core = copy / "out" / "ip" / "component.xml"
    edit(core, "<spirit:version>1.0<", "<spirit:version>0.9<")
    refused(build(copy), f"the core in {core.parent} must be engram:memory:engram:1.0")
    core.write_text("<other/>")
    refused(build(copy), f"{core} must be a component of IP-XACT")
    core.unlink()
    refused(build(copy), f"no core in {core.parent}: run package_ip.tcl first")


def test_a_mock_without_a_script_says_what_it_wants() -> None:
    command = ["tclsh", FIRMWARE / "vivado" / "mock_vivado.tcl"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "arguments must be SCRIPT [ARGUMENT ...]\n")


def test_the_scripts_have_no_lint() -> None:
    tclint = shutil.which("tclint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if tclint is None:
        pytest.skip("there is no tclint")
    paths = [*FIRMWARE.glob("vivado/*.tcl"), *FIRMWARE.glob("generated/*.tcl")]
    assert len(paths) == len(SCRIPTS) + len(MOCK) + len(GENERATED)
    done = subprocess.run([tclint, *paths], capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
