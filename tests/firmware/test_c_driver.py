"""The C driver: against the Verilated accelerator, over fake ports, and for the boards' processors.

What a part needs and this machine lacks is the reason why it is skipped.
"""

import os
import re
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engram.arch.accelerator import AcceleratorConfig
from engram.arch.laws import DEFAULT_LAW, LAWS
from engram.errors import DeviceUnavailable
from sim.golden.laws import generate

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "firmware/c"
RUN, GATHERED = 1100, 40  # words of a vector: a run over three pages, and some apart
BOARD_BYTES = 4 << 20
BOARD_ADDRESS = 0x1000_0000

RTL_CASES = {
    "laws", "overlay", "long_writes", "scattered_writes", "the_end", "spaces", "window",
    "counters", "batches", "long_batches", "accesses", "reopening", "false_interrupts",
    "stale_interrupts", "missed_interrupts", "looks", "bad_commands", "bad_spaces", "no_frame",
    "table_full", "bad_frame", "regions", "memory_errors", "missing_flush",
    "missing_invalidate", "hung_core", "storm", "bus_errors", "wrong_cores", "halts",
}  # fmt: skip
PORTABLE_CASES = {
    "words_pass", "keys", "tables", "long_erasures", "forged_completions", "stopped_clocks",
    "failing_calls", "wide_counters", "texts", "calls", "configs", "carving",
}  # fmt: skip
BARE_CASES = {"polled", "interrupted", "outer_cache", "missing_hooks"}
UIO_CASES = {"registers", "missing", "caches", "interrupts", "driver"}


def need(*tools: str) -> None:
    for tool in tools:
        if shutil.which(tool) is None:
            pytest.skip(f"there is no {tool} here")


def run(*command: object, timeout: float = 250) -> str:
    """Return what a command prints; it must succeed."""
    done = subprocess.run(
        [str(part) for part in command], cwd=SOURCES, capture_output=True, text=True,
        timeout=timeout, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def cases(printed: str) -> set[str]:
    return set(re.findall(r"^ok (\w+)$", printed, re.MULTILINE))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the Makefile puts what it builds."""
    return tmp_path_factory.mktemp("c")


def make(built: Path, *targets: str) -> str:
    need("make")
    return run("make", "-s", f"-j{min(4, os.cpu_count() or 1)}", f"BUILD={built}", *targets)


@pytest.fixture(scope="module")
def host(built: Path) -> Path:
    """The tests' programs for this machine, with sanitizers."""
    need("cc", "make")
    programs = ["rtl", "portable", "baremetal", "uio", "board", "example"]
    make(built, *(str(built / "host" / name) for name in programs))
    return built / "host"


@pytest.fixture(scope="module")
def library() -> Path:
    """The accelerator of fpga-sim, from the same cache."""
    verilog = pytest.importorskip("amaranth.back.verilog", reason="amaranth is not installed")
    from hdl.top import Engram
    from sim.verilated.library import build

    design = Engram(AcceleratorConfig(laws=tuple(LAWS)))
    text = verilog.convert(design, name="engram", strip_internal_attrs=True, emit_src=False)
    try:
        return build(text, "engram", fast=True)
    except DeviceUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Words of all laws by the golden model, as rtl_main.c reads them."""
    rng = np.random.default_rng(7)
    parts = [struct.pack("<Q", len(LAWS))]
    for number, law in LAWS.items():
        seed = int(rng.integers(2**64 - 1, dtype=np.uint64))
        base = (int(rng.integers(2**50)) << 9) + 300
        addresses = rng.integers(2**64 - 1, size=GATHERED, dtype=np.uint64).tolist()
        words = [
            *(generate(law, seed, base + i) for i in range(RUN)),
            *addresses,
            *(generate(law, seed, address) for address in addresses),
        ]
        parts.append(struct.pack("<5Q", number, seed, base, RUN, GATHERED))
        parts.append(struct.pack(f"<{len(words)}Q", *words))
    path = tmp_path_factory.mktemp("vectors") / "words"
    path.write_bytes(b"".join(parts))
    return path


@pytest.mark.parametrize("seed", [0, 2024])
@pytest.mark.parametrize("mode", ["interrupt", "polling"])
def test_the_driver_runs_the_verilated_accelerator(host, library, vectors, mode, seed) -> None:
    printed = run(host / "rtl", library, vectors, mode, seed)
    assert cases(printed) == RTL_CASES
    (accesses,) = re.findall(r"accesses to registers a job: (\d+)", printed)
    assert int(accesses) <= 3


def test_a_wrong_word_is_noticed(host, library, vectors, tmp_path) -> None:
    wrong = bytearray(vectors.read_bytes())
    wrong[8 + 5 * 8 + 8 * 600] ^= 1
    path = tmp_path / "wrong"
    path.write_bytes(wrong)
    done = subprocess.run(
        [host / "rtl", library, path, "interrupt", "0", "laws"], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "word 600 of 1100" in done.stderr


def test_the_driver_runs_wherever_c_does(host) -> None:
    assert cases(run(host / "portable")) == PORTABLE_CASES


def test_the_bare_metal_port_runs_by_its_hooks(host) -> None:
    assert cases(run(host / "baremetal")) == BARE_CASES


def test_the_linux_port_finds_its_way_through_sys(host, tmp_path) -> None:
    assert cases(run(host / "uio", tmp_path)) == UIO_CASES


@pytest.fixture
def sysroot(host, library, tmp_path) -> Iterator[Path]:
    """A /sys and a /dev of plain files, and the Verilated accelerator behind them."""
    uio = tmp_path / "sys/class/uio/uio0"
    buffer = tmp_path / "sys/class/u-dma-buf/udmabuf0"
    for folder in (uio / "maps/map0", buffer, tmp_path / "dev"):
        folder.mkdir(parents=True)
    (uio / "name").write_text("engram\n")
    (uio / "maps/map0/size").write_text("0x1000\n")
    (uio / "maps/map0/offset").write_text("0x0\n")
    (buffer / "size").write_text(f"{BOARD_BYTES}\n")
    (buffer / "phys_addr").write_text(f"{BOARD_ADDRESS:#x}\n")
    (buffer / "dma_coherent").write_text("1\n")
    (tmp_path / "dev/uio0").write_bytes(bytes(4096))
    (tmp_path / "dev/udmabuf0").write_bytes(bytes(BOARD_BYTES))
    command = [host / "board", library, tmp_path / "dev/uio0", tmp_path / "dev/udmabuf0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as board:
        try:
            assert board.stdout is not None
            assert board.stdout.readline() == "ready\n"
            yield tmp_path
            assert board.wait(timeout=30) == 0
        finally:
            board.kill()


def test_the_example_reads_writes_and_reads_back(host, sysroot) -> None:
    printed = run(host / "example", "--poll", "--sysroot", sysroot, "engram", "udmabuf0")
    words = [generate(LAWS[DEFAULT_LAW], 42, 10**15 + i) for i in range(4)]
    told = " ".join(f"{word:016x}" for word in words)
    written = " ".join(f"{word:016x}" for word in (words[0], 7, 11, words[3]))
    mask = sum(1 << number for number in LAWS)
    assert printed.splitlines() == [
        f"laws built: {mask:#x}",
        f"generated: {told}",
        f"written: {written}",
        "frames used: 1",
        f"erased: {told}",
    ]


def test_the_example_says_what_is_missing(host, tmp_path) -> None:
    done = subprocess.run(
        [host / "example", "--sysroot", tmp_path, "engram", "udmabuf0"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("example: engram: no accelerator is there")
    done = subprocess.run([host / "example", "engram"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "usage" in done.stderr


@pytest.mark.parametrize(
    ("target", "compilers", "objdump"),
    [
        ("arm", ("arm-linux-gnueabihf-gcc", "arm-none-eabi-gcc"), "arm-none-eabi-"),
        ("aarch64", ("aarch64-linux-gnu-gcc",), "aarch64-linux-gnu-"),
    ],
)
def test_it_compiles_for_the_boards_and_needs_no_library(built, target, compilers, objdump) -> None:
    need(*compilers)
    make(built, target)
    needed: set[str] = set()
    defined: set[str] = set()
    for path in sorted((built / f"{target}-bare").glob("*.o")):
        for line in run(f"{objdump}nm", path).splitlines():
            kind, name = line.split()[-2:]
            (needed if kind == "U" else defined).add(name)
    # Those of the processor's own run-time library aside, such as a division of 64 bits.
    missing = {name for name in needed - defined if not name.startswith("__aeabi_")}
    assert missing == {"memcpy", "memset"}
    code = run(f"{objdump}objdump", "-d", built / f"{target}-bare/engram_baremetal.o")
    maintenance = {
        "arm": (r"mcr\s+15, 0, \w+, cr7, cr10, \{1\}", r"mcr\s+15, 0, \w+, cr7, cr6, \{1\}"),
        "aarch64": (r"dc\s+cvac", r"dc\s+ivac"),
    }
    for pattern in (*maintenance[target], r"dsb\s+sy"):
        assert re.search(pattern, code), pattern


def test_it_runs_as_the_boards_processors_would(built) -> None:
    need("arm-linux-gnueabihf-gcc", "aarch64-linux-gnu-gcc", "qemu-arm", "qemu-aarch64")
    printed = make(built, "emulated")
    assert re.findall(r"^ok (\w+)$", printed, re.MULTILINE).count("carving") == 2
    assert cases(printed) == PORTABLE_CASES


def test_cppcheck_finds_nothing() -> None:
    need("cppcheck", "make")
    assert run("make", "-s", "cppcheck") == ""
