"""The package for boards: what may go into it, how a board is told, that it installs and works."""

import importlib.util
import json
import logging
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import engram
from benchmarks.board_package import OVERLAY, PYTHON, build_wheels, install
from engram.arch.boards import BOARDS
from tests.firmware.bitstreams import dummy_bit, part_in_header, pretend_built

logger = logging.getLogger(__name__)

ROOT = Path(__file__).parents[2]
BOTH = tuple(BOARDS)


def _module(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def collecting() -> ModuleType:
    return _module("collecting", OVERLAY / "collect.py")


@pytest.fixture
def boards(monkeypatch, tmp_path) -> ModuleType:
    module = _module("boards", OVERLAY / "src" / "engram_overlay" / "boards.py")
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    monkeypatch.setattr(module, "_device_name", lambda: "")
    monkeypatch.delenv("BOARD", raising=False)
    return module


def test_what_was_built_goes_into_the_package(collecting, tmp_path, capsys) -> None:
    built = pretend_built(tmp_path / "built", *BOTH)
    assert collecting.main(["--from", str(built), "--to", str(tmp_path / "to")]) == 0
    told = capsys.readouterr().out.splitlines()
    assert len(told) == len(BOTH)
    for key in BOTH:
        for name in ("engram.bit", "engram.hwh"):
            copied = tmp_path / "to" / key / name
            assert copied.read_bytes() == (built / key / name).read_bytes()
    assert len(list((tmp_path / "to").rglob("*.*"))) == 2 * len(BOTH)


def test_a_board_that_was_not_built_is_left_out_and_told(collecting, tmp_path, capsys) -> None:
    built = pretend_built(tmp_path / "built", "kv260")
    assert collecting.main(["--from", str(built), "--to", str(tmp_path / "to")]) == 0
    assert "pynq-z2: not built, and left out" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "to").iterdir()] == ["kv260"]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ([], r"no bitstream of pynq-z2, kv260 is in .*: build one, by `make -C firmware/vivado"),
        (["kv260"], r"kv260/engram.bit is not there: build it, by `make -C firmware/vivado kv260`"),
        (["zybo"], r"BOARD must be one of pynq-z2, kv260, not 'zybo'"),
    ],
)
def test_what_cannot_be_collected_is_refused(collecting, tmp_path, capsys, asked, reason) -> None:
    to = tmp_path / "to"
    assert collecting.main([*asked, "--from", str(tmp_path / "built"), "--to", str(to)]) == 1
    assert re.search(reason, capsys.readouterr().err)
    assert not to.exists()


def _moved(path: Path) -> None:
    text = path.read_text()
    assert text.count('NAME="RING_TAIL"') == 1
    start = text.index('NAME="RING_TAIL"')
    offset = re.compile(r'(NAME="ADDRESS_OFFSET" VALUE=")[^"]*').search(text, start)
    assert offset is not None
    path.write_text(text[: offset.start()] + offset[1] + "0x200" + text[offset.end() :])


def _of_another_core(path: Path) -> None:
    text = path.read_text()
    assert "engram:memory:engram:" in text
    path.write_text(text.replace("engram:memory:engram:", "somebody:else:engram:"))


WRONG = {
    "a part of another board": (
        lambda at: (at / "engram.bit").write_bytes(dummy_bit("7z010clg400")),
        r"must be for xc7z020clg400-1 \(PYNQ-Z2\), not 7z010clg400",
    ),
    "a header without a part": (
        lambda at: (at / "engram.bit").write_bytes(dummy_bit("")),
        "must be for xc7z020clg400-1",
    ),
    "no bitstream at all": (
        lambda at: (at / "engram.bit").write_bytes(b"\x7fELF" + bytes(99)),
        "is no bitstream: it does not begin as one",
    ),
    "a bitstream cut off": (
        lambda at: (at / "engram.bit").write_bytes(dummy_bit("7z020clg400")[:20]),
        "is no bitstream: its header has no record 'a'",
    ),
    "no hand-off": (lambda at: (at / "engram.hwh").unlink(), "engram.hwh is not there"),
    "another core": (lambda at: _of_another_core(at / "engram.hwh"), "VLNV must be one of engram:"),
    "a register that moved": (
        lambda at: _moved(at / "engram.hwh"),
        "ADDRESS_OFFSET of RING_TAIL must be 0x24, not 0x200",
    ),
    "the other board's hand-off, of another core": (
        lambda at: _of_another_core(at.parent / "kv260" / "engram.hwh"),
        "kv260/engram.hwh is not of this accelerator, VLNV must be one of engram:",
    ),
    "the hand-off of another board": (
        lambda at: shutil.copyfile(at.parent / "kv260" / "engram.hwh", at / "engram.hwh"),
        "processing system must be of PYNQ-Z2",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_not_this_accelerator_is_refused(collecting, tmp_path, capsys, name) -> None:
    built = pretend_built(tmp_path / "built", *BOTH)
    spoil, reason = WRONG[name]
    spoil(built / "pynq-z2")
    assert collecting.main(["--from", str(built), "--to", str(tmp_path / "to")]) == 1
    assert re.search(reason, capsys.readouterr().err)
    assert not (tmp_path / "to").exists()  # of the other board neither


@pytest.mark.parametrize("key", BOTH)
def test_parts_are_read_as_vivado_writes_them(collecting, tmp_path, key) -> None:
    (tmp_path / "engram.bit").write_bytes(dummy_bit(part_in_header(key)))
    assert collecting.part_of(tmp_path / "engram.bit") == part_in_header(key)


@pytest.mark.parametrize("key", BOTH)
def test_a_board_is_known_by_every_name_it_has(boards, monkeypatch, key) -> None:
    board = BOARDS[key]
    for name in (key, board.title, *board.names, board.names[0].upper()):
        assert boards.board_by_name(name) is board
        monkeypatch.setattr(boards, "_device_name", lambda name=name: name)
        assert boards.board_at_hand() is board
    assert boards.board_by_name("") is None
    assert boards.board_by_name("Pynq-Z") is None


def test_the_device_tells_the_board_and_the_variable_only_where_that_does_not(
    boards, monkeypatch
) -> None:
    monkeypatch.setenv("BOARD", "Pynq-Z2")
    assert boards.board_at_hand().key == "pynq-z2"
    monkeypatch.setattr(boards, "_device_name", lambda: "edge")
    assert boards.board_at_hand().key == "pynq-z2"
    monkeypatch.setattr(boards, "_device_name", lambda: "KV260")
    assert boards.board_at_hand().key == "kv260"


def test_no_board_of_ours_is_an_error_that_says_what_there_is(boards, monkeypatch) -> None:
    monkeypatch.setenv("BOARD", "ZCU104")
    with pytest.raises(LookupError, match=r"one of Pynq-Z2, KV260, and PYNQ's device is '' and the "
                                          r"variable BOARD is 'ZCU104': set BOARD"):
        boards.bitfile()
    with pytest.raises(LookupError, match="board must be one of pynq-z2, kv260, not 'zcu104'"):
        boards.bitfile("zcu104")


def test_a_bitstream_that_is_not_there_is_an_error_that_says_what_is(boards, tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match=r"for PYNQ-Z2 \(it has: none\): build it with"):
        boards.bitfile("Pynq-Z2")
    pretend_built(tmp_path, "kv260")
    (tmp_path / "pynq-z2").mkdir()
    (tmp_path / "pynq-z2" / "engram.bit").touch()  # which is not enough
    with pytest.raises(FileNotFoundError, match=r"for PYNQ-Z2 \(it has: kv260\)"):
        boards.bitfile("Pynq-Z2")
    assert boards.built() == {"kv260": tmp_path / "kv260" / "engram.bit"}
    assert boards.bitfile("KV260") == tmp_path / "kv260" / "engram.bit"


def test_versions_are_those_of_engram() -> None:
    text = (OVERLAY / "pyproject.toml").read_text()
    assert f'\nversion = "{engram.__version__}"' in text
    assert f'"engram=={engram.__version__}"' in text


def test_the_package_brings_engram_and_never_pynq() -> None:
    text = (OVERLAY / "pyproject.toml").read_text()
    assert f'\ndependencies = ["engram=={engram.__version__}"]\n' in text
    assert not re.search(r'"pynq["=<>~ ]', text)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> Iterator[list[Path]]:
    """The two wheels of a board, with pretended bitstreams of all boards."""
    place = tmp_path_factory.mktemp("board_package")
    yield build_wheels(place, pretend_built(place / "built", *BOTH))
    shutil.rmtree(place)


def test_the_wheel_has_bitstreams_hand_offs_and_notebooks(wheels) -> None:
    (wheel,) = [path for path in wheels if path.name.startswith("engram_overlay-")]
    names = set(zipfile.ZipFile(wheel).namelist())
    for key in BOTH:
        assert f"engram_overlay/overlays/{key}/engram.bit" in names
        assert f"engram_overlay/overlays/{key}/engram.hwh" in names
    for path in (OVERLAY / "src" / "engram_overlay" / "notebooks").glob("*.ipynb"):
        assert f"engram_overlay/notebooks/{path.name}" in names
    assert not [name for name in names if name.endswith("collect.py")]


@pytest.mark.skipif(not PYTHON.exists(), reason="there is no .venv-lava: `make pynq` builds it")
def test_the_package_works_where_it_is_installed(wheels, tmp_path) -> None:
    if subprocess.run([PYTHON, "-c", "import pynq"], capture_output=True).returncode:
        pytest.skip("there is no PYNQ in .venv-lava: `make pynq` installs it")
    site = tmp_path / "site"
    install(wheels, site)
    folder = ROOT / "tests" / "board_package"
    command = [PYTHON, "-m", "pytest", "-q", "-c", folder / "pytest.ini", folder]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=280,
        env={**os.environ, "PYTHONPATH": str(site), "BOARD_PACKAGE_SITE": str(site)},
    )  # fmt: skip
    summary = "\n".join(done.stdout.splitlines()[-60:])
    assert done.returncode == 0, f"{summary}\n{done.stderr}"
    assert " passed" in summary.splitlines()[-1], summary
    logger.info("%s", summary)


@pytest.mark.parametrize("name", ["first_steps", "weights_as_memory"])
def test_notebooks_say_where_they_run_and_show_no_error(name) -> None:
    path = OVERLAY / "src" / "engram_overlay" / "notebooks" / f"{name}.ipynb"
    cells = json.loads(path.read_text())["cells"]
    codes = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert 'os.environ.get("ENGRAM_DEVICE", "fpga")' in codes[0]
    outputs = [
        output for cell in cells if cell["cell_type"] == "code" for output in cell["outputs"]
    ]
    assert {output["output_type"] for output in outputs} == {"stream"}
    varying = [cell for cell in cells if "varies" in cell["metadata"].get("tags", [])]
    assert varying
    assert not [cell for cell in varying if cell["outputs"]]
