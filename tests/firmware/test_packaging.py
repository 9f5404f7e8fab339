"""The core as package_ip.tcl packages it in the mock of Vivado, and what it refuses."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from engram.arch.registers import Access
from engram.arch.regs import REGISTERS
from tests.firmware.dry_runs import FIRMWARE, NO_TCL, calls, dry_run, edit, refused

pytestmark = pytest.mark.skipif(NO_TCL is not None, reason=NO_TCL or "")


def package(copy: Path, verilog: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    script = copy / "vivado" / "package_ip.tcl"
    return dry_run(script, verilog, copy / "packaged" / "ip", **variables)


def test_the_packaged_core_has_every_register(made, copy) -> None:
    log = copy / "log"
    assert package(copy, made / "xc7" / "engram.v", MOCK_LOG=str(log)).returncode == 0
    block = "ip/map:S_AXIL/registers"
    found = [
        line.split()[1:] for line in calls(log, "ipx::add_register")
    ]
    assert found == [[register.name, block] for register in REGISTERS]
    fields = [line.split()[1:] for line in calls(log, "ipx::add_field")]
    assert fields == [
        [field.name, f"{block}/{register.name}"]
        for register in REGISTERS
        for field in register.fields
    ]
    # What they are set to, by the object at the end of the call, as Tcl wrote the list.
    text = log.read_text()
    places = re.findall(
        r"address_offset (\w+)\s+size 32\s+access (\S+)\s.*?\} ip/map:S_AXIL/registers/(\w+)\n",
        text, re.DOTALL,
    )
    said = {Access.RW: "read-write", Access.W1C: "read-write", Access.STROBE: "write-only"}
    assert [(name, int(at, 0), access) for at, access, name in places] == [
        (register.name, register.offset, said.get(register.access, "read-only"))
        for register in REGISTERS
    ]
    bits = re.findall(
        r"bit_offset (\d+)\s+bit_width (\d+)\s[^}]*?access.*?"
        r"\} ip/map:S_AXIL/registers/(\w+/\w+)\n", text, re.DOTALL,
    )
    assert [(name, int(low), int(width)) for low, width, name in bits] == [
        (f"{register.name}/{field.name}", field.low, field.width)
        for register in REGISTERS
        for field in register.fields
    ]
    cleared = re.findall(
        r"modified_write_value oneToClear\s+\} ip/map:S_AXIL/registers/(\w+/\w+)\n", text
    )
    assert cleared == [
        f"{register.name}/{field.name}"
        for register in REGISTERS
        if register.access is Access.W1C
        for field in register.fields
    ]
    assert calls(log, "ipx::add_address_block")[1].split()[1:] == ["window", "ip/map:S_AXI"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("ipx::save_core", "ipx::save", "Vivado has no command ipx::save"),
        ("ipx::create_xgui_files $ip", "ipx::create_xgui_files $core", "no such object"),
        ("core_revision 1", "core_revision", "properties must come in pairs"),
        ("usage register", "use register", "a block has no property use"),
        ("[bus_of $core $bus]\n", "[bus_of $core IRQ]\n",
         "memory map S_AXIL must be called as its bus ip/IRQ"),
        ("set_property slave_memory_map_ref $bus [bus_of $core $bus]", "",
         "memory map ip/map:S_AXIL must be that of a bus"),
        ("set_property value $value $parameter", "", "parameter ip/ACLK/ASSOCIATED_RESET must"),
        ("-vendor [dict get $core vendor]", "", "ipx::package_project must have -vendor"),
    ],
)
def test_a_fault_of_packaging_is_refused(made, copy, old, new, says) -> None:
    edit(copy / "vivado" / "package_ip.tcl", old, new)
    refused(package(copy, made / "xc7" / "engram.v"), says)


def test_registers_that_collide_are_refused(made, copy) -> None:
    edit(copy / "generated" / "registers.tcl", "address_offset 0x24", "address_offset 0x20")
    refused(package(copy, made / "xc7" / "engram.v"), "offset of ip/map:S_AXIL/registers/RING_TAIL")
    shutil.copy(FIRMWARE / "generated" / "registers.tcl", copy / "generated")
    edit(copy / "generated" / "registers.tcl", "add_register RING_TAIL", "add_register ID")
    done = package(copy, made / "xc7" / "engram.v")
    refused(done, "register ip/map:S_AXIL/registers/ID is there already")


def test_verilog_that_is_not_the_cores_is_refused(made, copy) -> None:
    refused(package(copy, copy / "none.v"), f"VERILOG must be a file, not {copy / 'none.v'}")
    refused(dry_run(copy / "vivado" / "package_ip.tcl"), "arguments must be VERILOG REPOSITORY")
    verilog = made / "xc7" / "engram.v"
    refused(package(copy, verilog, MOCK_VERSION="2019.1"), "Vivado must be 2022.1 or newer")
    other = copy / "other.v"
    other.write_text("module other(aclk);\nendmodule\n")
    refused(package(copy, other), "the Verilog must have a module engram")
    other.write_text(verilog.read_text().replace("X_INTERFACE_INFO", "OTHER"))
    refused(package(copy, other), "bus ACLK was not inferred")
