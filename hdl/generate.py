"""Verilog and exports: ``python -m hdl.generate [UNIT ...] [--family F] [--module M] [--out DIR]``.

``--firmware DIR`` writes all that boards need and Vivado does not make, instead of Verilog.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

from amaranth.back import verilog
from amaranth.lib import wiring

from engram.arch.accelerator import AcceleratorConfig
from engram.arch.boards import BOARDS, CONFIG, NAME
from engram.arch.laws import LAWS
from engram.arch.regs import REGISTERS
from hdl.exports import (
    boards_tcl,
    c_header,
    commands_c_header,
    commands_markdown,
    component_xml,
    device_tree,
    face,
    hardware_handoff,
    json_text,
    layout_c_header,
    markdown,
    registers_tcl,
    system_rdl,
)
from hdl.synth.feistel import FeistelPipeline
from hdl.synth.generator import WordGenerator
from hdl.synth.mask import MaskPipeline
from hdl.synth.multiplier import FAMILIES, Tile
from hdl.synth.residue import ResiduePipeline
from hdl.top import Engram

__all__ = ["EXPORTS", "TABLES", "UNITS", "firmware_files", "main", "unit_verilog"]

# What can be generated, by the name that the module and its file get.
UNITS: dict[str, Callable[[Tile], wiring.Component]] = {
    "engram": lambda tile: Engram(AcceleratorConfig(), tile),
    "engram_all_laws": lambda tile: Engram(CONFIG, tile),
    "feistel6": lambda tile: FeistelPipeline(LAWS[1], tile),
    "vrns16": lambda tile: ResiduePipeline(LAWS[2], tile),
    "splitmix": lambda tile: MaskPipeline(LAWS[3], tile),
    "feistel4": lambda tile: FeistelPipeline(LAWS[4], tile),
    "generator": lambda tile: WordGenerator(1, [LAWS[1]], tile),
    "generator_4_lanes": lambda tile: WordGenerator(4, [LAWS[1]], tile),
    "generator_all_laws": lambda tile: WordGenerator(1, list(LAWS.values()), tile),
}

# The accelerator's contract for those who do not read Python, by the name of the file.
EXPORTS: dict[str, Callable[[], str]] = {
    "engram_regs.h": lambda: c_header(REGISTERS),
    "engram_commands.h": lambda: commands_c_header(REGISTERS.name),
    "engram_layout.h": layout_c_header,
    "engram.rdl": lambda: system_rdl(REGISTERS),
    "engram.json": lambda: json_text(REGISTERS),
}
# And for the manual.
TABLES: dict[str, Callable[[], str]] = {
    "accelerator_registers.md": lambda: markdown(REGISTERS),
    "accelerator_commands.md": commands_markdown,
}


def unit_verilog(unit: str, family: str, module: str | None = None) -> str:
    """Return a unit's Verilog: the same text every time, without the paths of this checkout."""
    return verilog.convert(
        UNITS[unit](FAMILIES[family]),
        name=module or unit,
        strip_internal_attrs=True,
        emit_src=False,  # stripping alone leaves the path of a memory's source
    )


def firmware_files() -> dict[str, str]:
    """Return the generated files of ``firmware/generated`` by their paths in it."""
    core = face(Engram(CONFIG))
    files = {name: export() for name, export in EXPORTS.items()}
    files["component.xml"] = component_xml(REGISTERS, core, f"{NAME}.v")
    files["boards.tcl"] = boards_tcl(core)
    files["registers.tcl"] = registers_tcl(REGISTERS)
    for board in BOARDS.values():
        files[f"{board.key}/{NAME}.hwh"] = hardware_handoff(REGISTERS, core, board)
        files[f"{board.key}/{NAME}.dts"] = device_tree(core, board)
    return files


def main() -> None:
    """Write ``DIR/FAMILY/UNIT.v`` of each unit and the exports, leaving alone what stays the same.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("units", nargs="*", metavar="UNIT", help=f"of {', '.join(UNITS)}")
    parser.add_argument("--family", choices=FAMILIES, default="xc7", help="multipliers to cut for")
    parser.add_argument("--module", metavar="M", help="name of the one UNIT's module and file")
    parser.add_argument("--out", type=Path, default=Path("build/verilog"), metavar="DIR")
    parser.add_argument("--docs", type=Path, metavar="DIR", help="tables of the manual, too")
    parser.add_argument("--firmware", type=Path, metavar="DIR", help="files of boards, only")
    arguments = parser.parse_args()
    for unit in arguments.units:
        if unit not in UNITS:
            parser.error(f"UNIT must be one of {', '.join(UNITS)}, not {unit!r}")
    if arguments.module and len(arguments.units) != 1:
        parser.error(f"--module must stand with one UNIT, not {len(arguments.units)}")
    if arguments.firmware:
        if arguments.units or arguments.docs:
            parser.error("--firmware must stand alone")
        for name, text in firmware_files().items():
            _update(arguments.firmware / name, text)
        return
    folder = arguments.out / arguments.family
    for unit in arguments.units or UNITS:
        module = arguments.module or unit
        _update(folder / f"{module}.v", unit_verilog(unit, arguments.family, module))
    if not arguments.units:
        for name, export in EXPORTS.items():
            _update(arguments.out / name, export())
    if arguments.docs:
        for name, table in TABLES.items():
            _update(arguments.docs / name, table())


def _update(path: Path, text: str) -> None:
    """Write a file if that changes it, and say so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    changed = not path.exists() or path.read_text() != text
    if changed:
        path.write_text(text)
    print(f"{path}: {'written' if changed else 'unchanged'}")


if __name__ == "__main__":
    main()
