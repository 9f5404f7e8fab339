"""The page on tensors: its code runs, its tables are the contract's, its figures are there."""

import re
from pathlib import Path

import pytest

from benchmarks.tensor_tables import TABLES, descriptor_table
from engram.arch.payloads.deltas import FORMS
from engram.arch.tensors import CODECS, HEADER, LARGEST_NDIM, TILE_ELEMENTS, TYPES
from engram.config import MemoryConfig
from engram.tensors.checkpoints import SMALL
from engram.tensors.descriptors import overhead
from engram.tensors.updating import _LONGEST_CHAIN
from engram.trust.keys import LEAST_BYTES
from engram.trust.lockout import Lockout

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "tensors.md").read_text()
SHOWN = re.findall(r'^--8<-- "(.*)"$', PAGE, re.M)


def test_every_python_block_runs() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, re.S | re.M)
    assert blocks
    for block in blocks:
        exec(block, {})


@pytest.mark.parametrize("name", TABLES)
def test_tables_of_the_contract_are_the_contract(name) -> None:
    shown = (DOCS / "figures" / f"tensors_{name}.md").read_text()
    assert shown == "\n".join(TABLES[name]().lines()) + "\n"
    assert f"tensors_{name}.md" in SHOWN


def test_the_descriptor_is_laid_out_as_shown() -> None:
    packed = HEADER.pack(
        b"ENGRAMTD", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0.5, 0.25, b"r" * 32, b"p" * 32, 11
    )
    expected = {
        "magic": b"ENGRAMTD", "format": 1, "codec": 2, "element type": 3, "ndim": 4, "flags": 5,
        "tile": 6, "size": 7, "payload": 8, "version": 9, "base": 10, "root": b"r" * 32,
        "parent": b"p" * 32, "name": 11,
    }  # fmt: skip
    rows = {field: (int(offset), kind) for offset, kind, field, _ in descriptor_table().rows}
    for field, value in expected.items():
        offset, kind = rows[field]
        size = int(kind.split()[0]) if "bytes" in kind else int(kind.removeprefix("uint")) // 8
        part = packed[offset : offset + size]
        assert (part if isinstance(value, bytes) else int.from_bytes(part, "little")) == value


def test_every_codec_and_type_is_told() -> None:
    for name in CODECS:
        assert f"`{name}`" in PAGE
    assert len(TABLES["types"]().rows) == len(TYPES)


def test_numbers_in_the_text_are_those_of_the_code() -> None:
    assert f"{TILE_ELEMENTS:,} consecutive elements" in PAGE
    assert f"at most {LARGEST_NDIM} dimensions" in PAGE
    assert f"After {_LONGEST_CHAIN} deltas" in PAGE
    assert f"have {LEAST_BYTES} bytes at least" in PAGE
    assert f"takes {overhead('layer', 2)} bytes and more" in PAGE
    assert f"fewer than {SMALL:,} elements" in PAGE
    assert MemoryConfig().tensor_cache_bytes == 256 << 20
    lockout = Lockout()
    assert (lockout._most, lockout._seconds) == (5, 30)
    for number, form in FORMS.items():
        assert f"| {number} | {form} |" in PAGE


@pytest.mark.parametrize("name", SHOWN)
def test_every_table_that_is_shown_is_there(name) -> None:
    assert (DOCS / "figures" / name).read_text().count("|") > 10


@pytest.mark.parametrize("name", re.findall(r"^!\[.*\]\((.*)\)$", PAGE, re.M))
def test_every_picture_that_is_shown_is_there_and_small(name) -> None:
    assert 1_000 < (DOCS / name).stat().st_size < 200_000
