"""The kernels' cache: filled once, never trusted blindly, and never in anybody's way."""

import hashlib
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engram.cpu import library as loading
from engram.cpu.library import Library, cache_directory, library

ROOT = Path(__file__).parents[2]

READ = """
import sys
import engram

memory = engram.open(seed=5)
words = [memory[0], *memory.read(2**32 - 2, 4).tolist(), *memory.read([9, 2**64 - 1]).tolist()]
print(*words)
"""
WRITE = """
memory.write(100, range(1000))
memory[2**64 - 1] = 3
print(int(memory.read(0, 2000).sum()) % 2**32, memory[2**64 - 1], memory.written_words)
print("numba" in sys.modules)
"""


def run(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'host'}", **variables},
        capture_output=True,
        text=True,
        timeout=200,
    )


@pytest.fixture(scope="module")
def machine_code() -> bytes:
    """The object file that this machine's cache holds."""
    library()
    kept = loading._path("space").read_bytes()
    return kept[32:]


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch, machine_code: bytes) -> list[int]:
    """Count compilations, which here take no time."""
    calls: list[int] = []

    def compile_kernels(group: str) -> bytes:
        assert group == "space"
        calls.append(1)
        return machine_code

    monkeypatch.setattr(loading, "compile_kernels", compile_kernels)
    return calls


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("ENGRAM_CACHE_DIR", str(tmp_path / "deep" / "cache"))
    return tmp_path / "deep" / "cache"


def works(kernels: Library | None) -> bool:
    return kernels is not None and callable(kernels.read_word) and callable(kernels.write_range)


def test_an_empty_cache_is_filled_and_later_processes_do_without_numba(tmp_path) -> None:
    cold = run(READ + WRITE, ENGRAM_CACHE_DIR=str(tmp_path / "cache"))
    assert cold.returncode == 0, cold.stderr
    (kept,) = (tmp_path / "cache").iterdir()
    assert kept.name.startswith("kernels-")
    before = kept.stat()
    warm = run(READ + WRITE, ENGRAM_CACHE_DIR=str(tmp_path / "cache"))
    assert warm.returncode == 0, warm.stderr
    assert kept.stat() == before or kept.stat().st_mtime_ns == before.st_mtime_ns
    assert cold.stdout.splitlines()[:2] == warm.stdout.splitlines()[:2]
    assert warm.stdout.splitlines()[2] == "False"
    assert not warm.stderr


def test_a_process_may_end_while_its_kernels_compile(tmp_path) -> None:
    for turn in range(3):
        done = run(READ, ENGRAM_CACHE_DIR=str(tmp_path / str(turn)))
        assert done.returncode == 0, done.stderr
        assert not done.stderr
        assert len(done.stdout.split()) == 7


def test_importing_engram_imports_next_to_nothing() -> None:
    done = run(
        "import sys, engram; engram.EngramError; engram.StoreFull\n"
        "print(sorted({'numpy', 'numba', 'llvmlite', 'lmdb', 'yaml'} & set(sys.modules)))"
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_the_kernels_are_compiled_once(compiled, cache) -> None:
    assert works(loading._load("space", compiling=True))
    assert works(loading._load("space", compiling=True))
    assert compiled == [1]
    assert len(list(cache.iterdir())) == 1


def test_an_empty_cache_gives_nothing_to_who_will_not_wait(compiled, cache) -> None:
    assert loading._load("space", compiling=False) is None
    assert compiled == []
    loading._load("space", compiling=True)
    assert works(loading._load("space", compiling=False))


@pytest.mark.parametrize("damage", ["empty", "short", "flipped", "grown", "foreign"])
def test_a_damaged_cache_file_is_replaced(compiled, cache, damage) -> None:
    loading._load("space", compiling=True)
    (file,) = cache.iterdir()
    good = file.read_bytes()
    middle = len(good) // 2
    bad = {
        "empty": b"",
        "short": good[:middle],
        "flipped": good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :],
        "grown": good + b"\0",
        "foreign": b"not an object file at all",
    }[damage]
    file.write_bytes(bad)
    assert loading._load("space", compiling=False) is None
    assert works(loading._load("space", compiling=True))
    assert len(compiled) == 2
    assert file.read_bytes() == good
    assert hashlib.sha256(good[32:]).digest() == good[:32]
    assert list(cache.iterdir()) == [file]


def test_a_cache_that_cannot_be_written_only_warns(
    compiled, monkeypatch, tmp_path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ENGRAM_CACHE_DIR", str(tmp_path / "file" / "cache"))
    with caplog.at_level(logging.WARNING, "engram"):
        assert works(loading._load("space", compiling=True))
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "the kernels could not be cached" in record.getMessage()
    assert "they will be compiled anew" in record.getMessage()


def test_a_failed_write_leaves_no_remains(compiled, monkeypatch, cache) -> None:
    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    assert works(loading._load("space", compiling=True))
    assert list(cache.iterdir()) == []


def test_the_cache_lies_where_the_variables_say(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("ENGRAM_CACHE_DIR", str(tmp_path))
    assert cache_directory() == tmp_path
    monkeypatch.delenv("ENGRAM_CACHE_DIR")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_directory() == tmp_path / "xdg" / "engram"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_directory() == tmp_path / "home" / ".cache" / "engram"


def test_the_file_is_named_after_all_the_code_depends_on(monkeypatch) -> None:
    names = [loading._fingerprint(group) for group in ("space", "associations")]
    assert [loading._fingerprint(group) for group in ("space", "associations")] == names
    assert len(set(names)) == 2
    monkeypatch.setattr(loading.llvm, "get_host_cpu_name", lambda: "another")
    assert loading._fingerprint("space") not in names


def test_a_group_depends_on_the_files_of_its_kernels_and_on_what_those_import() -> None:
    space, associations = (
        {source.stem for source in loading._sources(group)} for group in ("space", "associations")
    )
    assert {"compiler", "layout", "reads", "pages", "intrinsics", "laws", "normal"} <= space
    assert {"compiler", "layout", "settle", "planes", "lanes", "feistel"} <= associations
    assert not {"settle", "planes", "rerank"} & space
    assert not {"reads", "writes"} & associations


def test_each_group_holds_its_own_kernels() -> None:
    assert callable(library("associations").recall)
    assert not hasattr(library("associations"), "read_word")
    assert not hasattr(library("space"), "recall")


def test_a_kernel_refuses_what_is_no_word() -> None:
    kernels = library()
    with pytest.raises(TypeError):
        kernels.read_word("a", 0)
    with pytest.raises(OverflowError):
        kernels.read_word(2**64, 0)
    with pytest.raises(SystemError):
        kernels.read_word(0)
    with pytest.raises(AttributeError, match="there is no kernel 'nothing'"):
        _ = kernels.nothing
