"""The hand-offs: PYNQ reads them as the boards stand, and `check_hwh` finds what does not fit."""

import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from engram.arch.boards import BOARDS, CONFIG, INSTANCE, INTERRUPTS_INSTANCE, PORT_BYTES, VLNV
from engram.arch.registers import REGISTER_BITS
from engram.arch.regs import REGISTERS
from engram.fpga.handoff import check_hwh
from hdl.exports import face, hardware_handoff
from hdl.exports.processors import PROCESSORS, pll_divisors, port_of
from hdl.top import Engram

ROOT = Path(__file__).parents[2]
GENERATED = ROOT / "firmware" / "generated"
PYNQ = ROOT / ".venv-lava" / "bin" / "python"

# Addresses with which the window lies behind the earlier port of the processor, and the registers
# behind the later one; and the other way about.
WINDOW_FIRST = {
    "pynq-z2": {"registers": 0x8000_0000, "interrupts": 0x8180_0000, "window": 0x4000_0000},
    "kv260": {"registers": 0xB000_0000, "interrupts": 0xB001_0000, "window": 0x4_0000_0000},
}
REGISTERS_FIRST = {
    "pynq-z2": {"registers": 0x4000_0000, "interrupts": 0x4180_0000, "window": 0x8000_0000},
    "kv260": {"registers": 0xA000_0000, "interrupts": 0xA001_0000, "window": 0x5_0000_0000},
}

# Run by the interpreter that has PYNQ: what its parser makes of each file, as JSON.
PARSE = """
import json, sys, warnings
from pathlib import Path
warnings.simplefilter("ignore")
from pynqmetadata.frontends import Metadata
from pynqmetadata.views.runtime.runtime_metadata_parser import RuntimeMetadataParser
found = []
for name in sys.argv[1:]:
    parser = RuntimeMetadataParser(Metadata(input=Path(name)))
    found.append({
        "cores": parser.ip_dict, "memories": list(parser.mem_dict),
        "controllers": parser.interrupt_controllers, "pins": parser.interrupt_pins,
        "clocks": parser.clock_dict,
    })
print(json.dumps(found, default=str))
"""


@pytest.fixture(scope="module")
def core():
    return face(Engram(CONFIG))


def as_pynq_reads(paths: list[Path]) -> list[dict]:
    if not PYNQ.exists() or subprocess.run(
        [PYNQ, "-c", "import pynqmetadata"], capture_output=True
    ).returncode:
        pytest.skip("there is no pynqmetadata in .venv-lava (make pynq)")
    done = subprocess.run(
        [PYNQ, "-c", PARSE, *paths], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_pynq_reads_each_handoff_as_the_boards_stand() -> None:
    paths = [GENERATED / key / "engram.hwh" for key in BOARDS]
    for board, found in zip(BOARDS.values(), as_pynq_reads(paths), strict=True):
        processor = PROCESSORS[board.family]
        assert set(found["cores"]) == {INSTANCE, INTERRUPTS_INSTANCE, processor.instance}
        assert found["memories"] == []
        entry = found["cores"][INSTANCE]
        assert entry["type"] == VLNV
        assert (entry["phys_addr"], entry["addr_range"]) == (board.registers, PORT_BYTES)
        assert entry["mem_id"] == "S_AXIL"
        same_registers(entry["registers"])
        assert found["cores"][INTERRUPTS_INSTANCE]["phys_addr"] == board.interrupts
        assert entry["interrupts"]["irq"]["controller"] == INTERRUPTS_INSTANCE
        controller = found["controllers"][INTERRUPTS_INSTANCE]
        assert controller["raw_irq"] == board.interrupt + 32
        assert found["pins"][f"{INSTANCE}/irq"]["index"] == 0
        clocks = found["clocks"]
        assert [clocks[str(number)]["enable"] for number in range(4)] == [1, 0, 0, 0]
        divisors = (clocks["0"]["divisor0"], clocks["0"]["divisor1"])
        assert divisors == pll_divisors(board)
        assert processor.pll_mhz == board.clock_mhz * divisors[0] * divisors[1]


def same_registers(found: dict) -> None:
    assert list(found) == [register.name for register in REGISTERS]
    for register in REGISTERS:
        entry = found[register.name]
        assert (entry["address_offset"], entry["size"]) == (register.offset, REGISTER_BITS)
        assert (entry["access"] != "read-only") == register.access.writable
        assert {
            name: (field["bit_offset"], field["bit_width"])
            for name, field in entry["fields"].items()
        } == {field.name: (field.low, field.width) for field in register.fields}


def test_pynq_takes_the_last_port_for_the_core(core, tmp_path) -> None:
    """Which is why a window behind a later port than the registers' is left out."""
    paths = []
    for key, board in BOARDS.items():
        first = dataclasses.replace(board, **WINDOW_FIRST[key])
        text = hardware_handoff(REGISTERS, core, first)
        assert 'SLAVEBUSINTERFACE="S_AXI"' in text
        # Behind the other port each, so that the window comes last.
        earlier, later = (port.name for port in PROCESSORS[board.family].managers)
        other = re.sub(
            rf'MASTERBUSINTERFACE="({earlier}|{later})"',
            lambda found, pair=(earlier, later): found[0].replace(
                found[1], pair[found[1] == pair[0]]
            ),
            text,
        )
        for name, content in (("first", text), ("last", other)):
            paths.append(tmp_path / f"{key}-{name}.hwh")
            paths[-1].write_text(content)
    found = [parsed["cores"][INSTANCE] for parsed in as_pynq_reads(paths)]
    for at, key in enumerate(BOARDS):
        good, bad = found[2 * at : 2 * at + 2]
        assert good["phys_addr"] == WINDOW_FIRST[key]["registers"]
        same_registers(good["registers"])
        assert bad["phys_addr"] == WINDOW_FIRST[key]["window"]
        assert bad["registers"] == {}
        board = dataclasses.replace(BOARDS[key], **WINDOW_FIRST[key])
        assert check_hwh(paths[2 * at], board) == []
        (difference,) = check_hwh(paths[2 * at + 1], board)
        assert "must be behind the last port" in difference


@pytest.mark.parametrize("key", BOARDS)
def test_a_window_is_left_out_where_it_would_hide_the_registers(key, core) -> None:
    board = dataclasses.replace(BOARDS[key], **REGISTERS_FIRST[key])
    assert 'SLAVEBUSINTERFACE="S_AXI"' not in hardware_handoff(REGISTERS, core, board)


def test_an_address_behind_no_port_is_refused(core) -> None:
    board = dataclasses.replace(BOARDS["pynq-z2"], registers=0x1000_0000)
    said = "0x10000 bytes of addresses must lie behind a port of PYNQ-Z2, not at 0x10000000"
    with pytest.raises(ValueError, match=said):
        hardware_handoff(REGISTERS, core, board)
    wide = face(Engram(dataclasses.replace(CONFIG, window_bits=31)))
    with pytest.raises(ValueError, match="0x80000000 bytes of addresses must lie behind a port"):
        hardware_handoff(REGISTERS, wide, BOARDS["pynq-z2"])
    with pytest.raises(ValueError, match="clock_mhz of PYNQ-Z2 must divide 1000, not 77"):
        pll_divisors(dataclasses.replace(board, clock_mhz=77))
    assert port_of(BOARDS["kv260"], 0x4_0000_0000, 1 << 32).name == "M_AXI_HPM0_FPD"


@pytest.mark.parametrize("key", BOARDS)
def test_the_generated_handoff_fits(key) -> None:
    assert check_hwh(GENERATED / key / "engram.hwh") == []
    assert check_hwh(GENERATED / key / "engram.hwh", BOARDS[key]) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"ADDRESS_OFFSET" VALUE="0x24"', '"ADDRESS_OFFSET" VALUE="0x28"',
         "ADDRESS_OFFSET of RING_TAIL must be 0x24, not 0x28"),
        ('REGISTER NAME="RING_TAIL"', 'REGISTER NAME="TAIL"', "register RING_TAIL is missing"),
        ('REGISTER NAME="RING_TAIL"', 'REGISTER NAME="TAIL"', "register TAIL must not be there"),
        ('"SIZE" VALUE="32"', '"SIZE" VALUE="64"', "SIZE of ID must be 0x20, not 64"),
        ('FIELD NAME="HALTED"', 'FIELD NAME="STOPPED"', "field HALTED of STATUS is missing"),
        ('FIELD NAME="HALTED"', 'FIELD NAME="STOPPED"',
         "field STOPPED of STATUS must not be there"),
        ('"BIT_WIDTH" VALUE="16"', '"BIT_WIDTH" VALUE="15"', "BIT_WIDTH of ABI.MINOR must be 0x10"),
        ('"BIT_OFFSET" VALUE="5"', '"BIT_OFFSET" VALUE="x"', "TLB_ENTRIES must be 0x5, not x"),
        ('"ACCESS" VALUE="read-write"', '"ACCESS" VALUE="read-only"',
         "access of CONTROL must be read-write, not read-only"),
        ('"ACCESS" VALUE="read-only"', '"ACCESS" VALUE=""', "access of ID must be said, not ''"),
        ('engram:memory:engram:1.0', 'engram:memory:engram:2.0', "VLNV must be one of"),
        (' INTERFACE="S_AXIL"', ' INTERFACE="S_OTHER"', "register ID is missing"),
        ('BASEVALUE="0xREGISTERS"', 'BASEVALUE="0x70000000"', "address of S_AXIL must be"),
        ('BASEVALUE="0xREGISTERS"', 'BASEVALUE=""', "address of S_AXIL must be a number, not ''"),
        ('HIGHVALUE="0xLAST"', 'HIGHVALUE="0xREGISTERS"', "at least 0x168 bytes of addresses"),
        ('BASEVALUE="0xINTERRUPTS"', 'BASEVALUE="0x70000000"', "address of interrupts must be"),
        ('MEMTYPE="REGISTER" SLAVEBUSINTERFACE="S_AXIL"',
         'MEMTYPE="MEMORY" SLAVEBUSINTERFACE="S_AXIL"', "S_AXIL must be of type REGISTER"),
        ('SLAVEBUSINTERFACE="S_AXIL"', 'SLAVEBUSINTERFACE="S_OTHER"',
         "S_AXIL must have an address, and has none"),
        ('INSTANCE="axi_intc_0" PORT="intr"', 'INSTANCE="axi_intc_0" PORT="other"',
         "irq of engram_0 must go to axi_intc_0/intr"),
        ('INSTANCE="PROCESSOR" PORT="PIN"', 'INSTANCE="engram_0" PORT="PIN"',
         "irq of axi_intc_0 must go to"),
        ('MODTYPE="axi_intc"', 'MODTYPE="concat"', "axi_intc_0 must be an axi_intc"),
        ('INSTANCE="engram_0"', 'INSTANCE="engram_1"', "a module must be called engram_0"),
        ('<MODULES>', '<MODULES', "it must be XML"),
    ],
)
@pytest.mark.parametrize("key", BOARDS)
def test_what_does_not_fit_is_found(key, old, new, says, tmp_path) -> None:
    board = BOARDS[key]
    numbers = {
        "REGISTERS": board.registers,
        "LAST": board.registers + PORT_BYTES - 1,
        "INTERRUPTS": board.interrupts,
    }
    for name, number in numbers.items():
        old, new = (text.replace(f"0x{name}", f"0x{number:08X}") for text in (old, new))
    processor = PROCESSORS[board.family]
    for name, known in (("PROCESSOR", processor.instance), ("PIN", processor.interrupt)):
        old, new = (text.replace(f'"{name}"', f'"{known}"') for text in (old, new))
    text = (GENERATED / key / "engram.hwh").read_text()
    assert old in text
    path = tmp_path / "edited.hwh"
    # All of them where it is a name that stands in several places, else the first.
    path.write_text(text.replace(old, new, -1 if "INSTANCE" in old else 1))
    assert any(says in difference for difference in check_hwh(path, board))


def test_a_handoff_is_of_its_board(tmp_path) -> None:
    path = GENERATED / "kv260" / "engram.hwh"
    (difference,) = check_hwh(path, BOARDS["pynq-z2"])
    assert difference == "processing system must be of PYNQ-Z2, not zynq_ultra_ps_e"
    none = tmp_path / "none.hwh"
    none.write_text(path.read_text().replace('MODTYPE="zynq_ultra_ps_e"', 'MODTYPE="other"'))
    assert check_hwh(none) == ["processing systems must be one, not 0"]
    with pytest.raises(FileNotFoundError):
        check_hwh(tmp_path / "missing.hwh")


def test_a_bare_module_need_not_state_its_registers(tmp_path) -> None:
    root = ElementTree.parse(GENERATED / "kv260" / "engram.hwh").getroot()
    (core,) = (module for module in root.iter("MODULE") if module.get("INSTANCE") == INSTANCE)
    core.set("VLNV", "xilinx.com:module_ref:engram:1.0")
    path = tmp_path / "bare.hwh"
    path.write_bytes(ElementTree.tostring(root))
    assert check_hwh(path) == []
    (registers,) = core.iter("REGISTERS")
    (block,) = core.iter("ADDRESSBLOCK")
    block.remove(registers)
    path.write_bytes(ElementTree.tostring(root))
    assert check_hwh(path) == []
    core.set("VLNV", VLNV)
    path.write_bytes(ElementTree.tostring(root))
    assert len(check_hwh(path)) == len(REGISTERS)


def test_the_script_that_compares_says_so(tmp_path) -> None:
    script = ROOT / "firmware" / "vivado" / "compare_hwh.py"

    def compare(*arguments) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, script, *arguments]
        env = {**os.environ, "PYTHONPATH": str(ROOT / "host")}
        return subprocess.run(command, capture_output=True, text=True, env=env)

    path = GENERATED / "kv260" / "engram.hwh"
    done = compare(path, "kv260")
    assert (done.returncode, done.stderr) == (0, "")
    edited = tmp_path / "moved.hwh"
    edited.write_text(path.read_text().replace('VALUE="0x24"', 'VALUE="0x2C"'))
    done = compare(edited)
    assert done.returncode == 1
    assert f"{edited}: ADDRESS_OFFSET of RING_TAIL must be 0x24, not 0x2C" in done.stderr
    done = compare(tmp_path / "missing.hwh")
    assert done.returncode == 1
    assert done.stderr == f"{tmp_path / 'missing.hwh'}: No such file or directory\n"
