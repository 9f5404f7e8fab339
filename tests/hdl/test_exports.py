"""Exports of a register table: they say what the table says, and a compiler agrees."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engram.arch.accelerator import AcceleratorConfig
from engram.arch.commands import FORMS, Command, Completion, Fault, Flag, Opcode
from engram.arch.registers import REGISTER_BITS, Access, Field, Register, RegisterTable
from hdl.exports import (
    boards_tcl,
    c_header,
    commands_c_header,
    commands_markdown,
    component_xml,
    face,
    json_text,
    markdown,
    registers_tcl,
    system_rdl,
)
from hdl.generate import TABLES
from hdl.top import Engram
from tests.hdl.axi.example_table import EXAMPLE

ROOT = Path(__file__).parents[2]
COMPILER = shutil.which("cc") or shutil.which("gcc")


def compiles_as(header: str, expected: dict[str, int], folder: Path) -> None:
    """See that a header defines just these names, as a compiler reads them, included twice."""
    assert set(re.findall(r"#define (\w+) ", header)) == expected.keys()
    (folder / "header.h").write_text(header)
    checks = "\n".join(
        f'_Static_assert({name} == {value}u, "{name}");' for name, value in expected.items()
    )
    source = folder / "check.c"
    source.write_text(f'#include "header.h"\n#include "header.h"\n{checks}\n')
    done = subprocess.run(
        [COMPILER, "-std=c11", "-Wall", "-Werror", "-fsyntax-only", str(source)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(COMPILER is None, reason="no C compiler")
def test_a_compiler_reads_the_header_as_the_table_stands(tmp_path) -> None:
    expected = {}
    for register in EXAMPLE:
        expected[f"EXAMPLE_{register.name}_OFFSET"] = register.offset
        expected[f"EXAMPLE_{register.name}_RESET"] = register.reset
        for field in register.fields:
            expected[f"EXAMPLE_{register.name}_{field.name}_SHIFT"] = field.low
            expected[f"EXAMPLE_{register.name}_{field.name}_MASK"] = field.mask
    expected["EXAMPLE_BYTES"] = 0x34
    header = c_header(EXAMPLE)
    compiles_as(header, expected, tmp_path)


def test_json_holds_the_whole_table() -> None:
    content = json.loads(json_text(EXAMPLE))
    rebuilt = RegisterTable(
        content["name"],
        *(
            Register(
                entry["name"],
                entry["offset"],
                Access(entry["access"]),
                entry["reset"],
                entry["doc"],
                tuple(Field(**field) for field in entry["fields"]),
                entry["snapshot"],
            )
            for entry in content["registers"]
        ),
        doc=content["doc"],
    )
    assert rebuilt.registers == EXAMPLE.registers
    assert json_text(rebuilt) == json_text(EXAMPLE)


def test_system_rdl_has_each_register_at_its_place_and_each_field_with_its_bits() -> None:
    text = system_rdl(EXAMPLE)
    assert text.count("{") == text.count("}")
    places = {name: int(at, 16) for name, at in re.findall(r"\} (\w+) @ (0x[0-9A-F]+);", text)}
    assert places == {register.name: register.offset for register in EXAMPLE}
    fields = re.findall(r"field \{ (.*?) \} (\w+)\[(\d+):(\d+)\]( = 0x[0-9A-F]+)?;", text)
    expected = [
        (field.name, field.low + field.width - 1, field.low)
        for register in EXAMPLE
        for field in register.fields or (Field("VALUE", 0, REGISTER_BITS),)
    ]
    assert [(name, int(high), int(low)) for _, name, high, low, _ in fields] == expected
    kinds = {name: properties for properties, name, *_ in fields}
    assert "onwrite = woclr" in kinds["DONE"]
    assert "singlepulse" in kinds["START"]
    assert kinds["BUSY"].startswith("sw = r; hw = w;")


def test_markdown_has_a_row_for_each_register_and_field() -> None:
    rows = markdown(EXAMPLE).splitlines()
    assert len(rows) == 2 + len(EXAMPLE) + sum(len(register.fields) for register in EXAMPLE)
    assert {row.count(" | ") for row in rows[2:]} <= {4, 5}
    assert (
        "| `0x28` | `CYCLES_LO` | 31:0 | read-only | `0x0` "
        "| Clocks since reset (low half), captured by `COMMAND` bit 0 |"
    ) in rows


def test_the_page_shows_the_example_as_it_is() -> None:
    # `python -m benchmarks.axi --registers` writes it.
    assert (ROOT / "docs/figures/axi_registers.md").read_text() == markdown(EXAMPLE)


def test_words_of_the_table_cannot_break_out_of_an_export() -> None:
    doc = 'a */ b " c | d'
    table = RegisterTable("T", Register("A", 0, Access.RW, doc=doc), doc=doc)
    assert "a * / b" in c_header(table)
    assert 'b \\" c' in system_rdl(table)
    assert "c \\| d" in markdown(table)


def test_exports_are_the_same_under_every_hash_seed() -> None:
    program = (
        "from hdl.exports import *; from tests.hdl.axi.example_table import EXAMPLE as t;"
        "print(c_header(t) + system_rdl(t) + json_text(t) + markdown(t))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": f"{ROOT}:{ROOT / 'host'}"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(texts) == 1
    assert texts.pop().startswith("/* Registers of EXAMPLE")


@pytest.mark.skipif(COMPILER is None, reason="no C compiler")
def test_a_compiler_reads_the_commands_as_the_contract_stands(tmp_path) -> None:
    expected = {
        "ENGRAM_DESCRIPTOR_BYTES": len(Command(Opcode.FENCE).pack()),
        "ENGRAM_COMPLETION_BYTES": Completion.LAYOUT.size,
        **{f"ENGRAM_OP_{opcode.name}": int(opcode) for opcode in Opcode},
        **{f"ENGRAM_FAULT_{fault.name}": int(fault) for fault in Fault},
        **{f"ENGRAM_FLAG_{flag.name}": int(flag) for flag in Flag},
    }
    header = commands_c_header("ENGRAM")
    compiles_as(header, expected, tmp_path)


def test_the_manual_names_every_opcode_with_its_fields_and_every_fault() -> None:
    rows = commands_markdown().splitlines()
    for opcode, form in FORMS.items():
        (row,) = (row for row in rows if row.startswith(f"| `{opcode.name}` | {int(opcode)} |"))
        assert all(f"`{field}`" in row for field in form.fields)
        assert ("`law`" in row) == form.law
    for fault in Fault:
        assert any(row.startswith(f"| `{fault.name}` | {int(fault)} |") for row in rows)


@pytest.mark.parametrize("name", TABLES)
def test_the_manual_has_the_tables_as_they_are(name) -> None:
    assert (ROOT / "docs" / "figures" / name).read_text() == TABLES[name](), "run `make verilog`"


def test_a_face_has_the_ports_and_buses_of_the_core() -> None:
    unit = Engram(AcceleratorConfig(window_bits=24))
    core = face(unit)
    assert [port.name for port in core.ports] == list(unit.signature.members)
    assert [bus.name for bus in core.buses] == [
        "ACLK", "ARESETN", "S_AXIL", "S_AXI", "M_AXI", "IRQ",
    ]
    assert all(port.bus in {bus.name for bus in core.buses} for port in core.ports)
    assert core.window_bytes == 1 << 24
    assert core.width("M_AXI", "WDATA") == 64
    (irq,) = core.of("IRQ")
    assert (irq.name, irq.direction, irq.width, irq.logical) == ("irq", "out", 1, "INTERRUPT")
    assert dict(core.buses[2].parameters) == {"PROTOCOL": "AXI4LITE"}


@pytest.mark.parametrize(
    ("port", "attribute", "value", "says"),
    [
        ("m_axi_wdata", "X_INTERFACE_INFO", "xilinx.com:other:1.0 M_AXI WDATA",
         "kind of M_AXI must be xilinx.com:interface:aximm:1.0 at all ports"),
        ("irq", "X_INTERFACE_PARAMETER", "XIL_INTERFACENAME OTHER, SENSITIVITY LEVEL_HIGH",
         "parameters of IRQ must begin with its name"),
    ],
)
def test_attributes_that_contradict_each_other_are_refused(port, attribute, value, says) -> None:
    unit = Engram()
    getattr(unit, port).attrs[attribute] = value
    with pytest.raises(ValueError, match=says):
        face(unit)


def test_a_narrower_window_is_narrower_everywhere() -> None:
    core = face(Engram(AcceleratorConfig(window_bits=24)))
    assert "    window_bytes 0x1000000\n" in boards_tcl(core)
    text = component_xml(EXAMPLE, core, "other.v")
    assert f">{1 << 24}<" in text
    assert ">other.v<" in text


def test_text_that_tcl_would_take_apart_is_refused() -> None:
    for doc in ("one { of two", "a \\ slash"):
        table = RegisterTable("T", Register("A", 0, Access.RW, doc=doc))
        with pytest.raises(ValueError, match="text must be without braces and backslashes"):
            registers_tcl(table)
    table = RegisterTable("T", Register("A", 0, Access.RW, doc="costs $1 [or \"2\"]; all"))
    assert '        description {costs $1 [or "2"]; all}\n' in registers_tcl(table)
