"""The IP core: the ports that tools look for, and registers that say what was built."""

import re

import pytest
from amaranth.back.verilog import convert

from engram.arch.accelerator import AcceleratorConfig
from engram.arch.regs import REGISTERS
from hdl.top import Engram


@pytest.fixture(scope="module")
def core() -> Engram:
    return Engram()


@pytest.fixture(scope="module")
def verilog(core) -> str:
    return convert(core, name="engram", strip_internal_attrs=True, emit_src=False)


def top_ports(text: str) -> dict[str, str]:
    """Return the direction of each port of the module `engram`."""
    body = text[text.index("module engram(") :]
    body = body[: body.index("endmodule")]
    return {
        name: direction
        for direction, name in re.findall(r"^  (input|output) (?:\[\d+:0\] )?(\w+);", body, re.M)
    }


def test_ports_are_those_of_the_signatures(core, verilog) -> None:
    ports = top_ports(verilog)
    expected = {"aclk": "input", "aresetn": "input", "irq": "output"}
    for prefix, signature in core.buses.items():
        for name, member in signature.members.items():
            expected[f"{prefix}_{name}"] = "output" if member.flow.name == "Out" else "input"
    assert ports == expected


def test_every_port_says_to_which_bus_it_belongs(verilog) -> None:
    body = verilog[verilog.index("module engram(") :]
    # An attribute stands before what it is about: the port, and the wire of its name.
    marked = re.findall(
        r'X_INTERFACE_INFO = "([^"]+)" \*\)\s+(?:\(\*.*?\*\)\s+)*'
        r"(?:in|out)put (?:\[\d+:0\] )?(\w+);",
        body,
    )
    assert {name for _, name in marked} == set(top_ports(verilog))
    infos = [info for info, _ in marked]
    assert "xilinx.com:interface:aximm:1.0 M_AXI AWADDR" in infos
    assert "xilinx.com:signal:interrupt:1.0 IRQ INTERRUPT" in infos
    assert "ASSOCIATED_BUSIF S_AXIL:S_AXI:M_AXI" in verilog


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lanes": 0}, "lanes must be in 1..16, not 0"),
        ({"tlb_entries": 12}, "tlb_entries must be a power of two, not 12"),
        ({"laws": ()}, r"laws must be one or more, each once, not \(\)"),
        ({"laws": (1, 1)}, "laws must be one or more, each once"),
        ({"laws": (1, 9)}, r"laws must be of \[1, 2, 3, 4\], not \[9\]"),
        ({"address_bits": 31}, "address_bits must be in 32..56, not 31"),
        ({"window_bits": 12}, "window_bits must be in 13..48, not 12"),
    ],
)
def test_what_cannot_be_built_is_refused(settings, message) -> None:
    with pytest.raises(ValueError, match=message):
        AcceleratorConfig(**settings)


def test_registers_can_be_told_apart_in_nine_bits() -> None:
    assert REGISTERS.address_bits == 9
    assert {"ID", "ABI"} == {register.name for register in list(REGISTERS)[:2]}
