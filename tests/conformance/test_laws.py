"""Every device gives the published words, the pinned words, and the words of the statement."""

import json
import random
import struct
from pathlib import Path

import numpy as np
import pytest

from tests.conformance.statement import inverse, word

DATA = Path(__file__).parents[1] / "data"
PUBLISHED = json.loads((DATA / "gmem_golden.json").read_text())
PINNED = json.loads((DATA / "feistel.json").read_text())["words"]
SEEDS = (0, 1, 2**64 - 1, 0x9E3779B97F4A7C15)
LAST = 2**64 - 1
EDGES = [0, 1, 511, 512, 2**31, 2**32 - 1, 2**32, 2**53 + 1, 2**63, LAST - 511, LAST - 1, LAST]


def number(text: str) -> int:
    return int(text, 16)


def by_seed(vectors: list[dict[str, str]]) -> dict[int, list[dict[str, str]]]:
    groups: dict[int, list[dict[str, str]]] = {}
    for vector in vectors:
        groups.setdefault(number(vector["seed"]), []).append(vector)
    return groups


@pytest.mark.parametrize(("law", "table"), [(2, "fetch16"), (3, "vl_mask")])
def test_published_words_come_out_of_every_way_to_read(open_memory, law, table) -> None:
    assert len(PUBLISHED[table]) >= 45
    for seed, vectors in by_seed(PUBLISHED[table]).items():
        memory = open_memory(seed=seed, law=law)
        addresses = [number(vector["addr"]) for vector in vectors]
        words = [number(vector["h"]) for vector in vectors]
        assert [memory[address] for address in addresses] == words
        assert [memory.read(address) for address in addresses] == words
        assert [memory.read(address, 1).tolist() for address in addresses] == [[w] for w in words]
        assert memory.read(addresses).tolist() == words


def test_published_floats_of_law_2_come_out_bit_for_bit(open_memory) -> None:
    for seed, vectors in by_seed(PUBLISHED["fetch16"]).items():
        memory = open_memory(seed=seed, law="vrns16")
        addresses = [number(vector["addr"]) for vector in vectors]
        singles = [memory.read(address, dtype="unit64") for address in addresses]
        assert singles == [float(vector["f64"]) for vector in vectors]
        bits = b"".join(struct.pack("<Q", number(vector["bits"])) for vector in vectors)
        assert memory.read(addresses, dtype="unit64").tobytes() == bits


def test_published_masks_are_undone(open_memory) -> None:
    for seed, vectors in by_seed(PUBLISHED["vl_mask"]).items():
        memory = open_memory(seed=seed, law="splitmix")
        masks = [number(vector["h"]) for vector in vectors]
        assert memory.invert(masks).tolist() == [number(vector["addr"]) for vector in vectors]


def test_pinned_words_are_what_the_statement_makes() -> None:
    assert len(PINNED) == 2 * 8 * 8
    for pin in PINNED:
        made = word(pin["law"], number(pin["seed"]), number(pin["address"]))
        assert made == number(pin["word"])


@pytest.mark.parametrize("law", [1, 4])
def test_pinned_words_come_out(open_memory, law) -> None:
    for seed, pins in by_seed([pin for pin in PINNED if pin["law"] == law]).items():
        memory = open_memory(seed=seed, law=law)
        addresses = [number(pin["address"]) for pin in pins]
        words = [number(pin["word"]) for pin in pins]
        assert memory.read(addresses).tolist() == words
        assert [memory[address] for address in addresses] == words
        assert memory.invert(words).tolist() == addresses


@pytest.mark.parametrize("law", [1, 2, 3, 4])
def test_words_are_the_statements(open_memory, law) -> None:
    draw = random.Random(law)
    for seed in SEEDS:
        memory = open_memory(seed=seed, law=law)
        addresses = EDGES + [draw.getrandbits(64) for _ in range(150)]
        words = [word(law, seed, address) for address in addresses]
        assert memory.read(addresses).tolist() == words
        assert [memory[address] for address in EDGES] == words[: len(EDGES)]
        assert memory.read(2**40 - 70, 140).tolist() == [
            word(law, seed, 2**40 - 70 + i) for i in range(140)
        ]


@pytest.mark.parametrize("name", ["feistel6", "vrns16", "splitmix", "feistel4"])
def test_a_law_for_one_read_gives_the_words_of_a_memory_of_that_law(open_memory, name) -> None:
    own, other = open_memory(seed=5, law=name), open_memory(seed=5, law=2)
    assert other.read(2**32 - 9, 30, law=name).tobytes() == own.read(2**32 - 9, 30).tobytes()
    assert other.read(77, law=name) == own[77]
    assert other.read(EDGES, law=own.law.number).tolist() == own.read(EDGES).tolist()
    assert other[77] == word(2, 5, 77)


@pytest.mark.parametrize("law", [1, 3, 4])
def test_inverse_leads_back_to_the_address(open_memory, law) -> None:
    draw = random.Random(law)
    memory = open_memory(seed=2**64 - 3, law=law)
    addresses = EDGES + [draw.getrandbits(64) for _ in range(300)]
    assert memory.invert(memory.read(addresses)).tolist() == addresses
    images = [*EDGES, 0x0123456789ABCDEF]
    assert memory.invert(images).tolist() == [inverse(law, 2**64 - 3, image) for image in images]
    assert memory.invert(memory[12345]) == 12345


def test_inverse_takes_any_shape_and_another_law(memory) -> None:
    grid = np.arange(6, dtype=np.uint64).reshape(2, 3)
    found = memory.invert(memory.read(grid, law=4), law="feistel4")
    assert found.shape == (2, 3)
    assert found.tolist() == grid.tolist()
    assert memory.invert(memory.read(2**64 - 1, law=3), law=3) == 2**64 - 1
    assert memory.invert(np.empty((0, 2), np.uint64)).shape == (0, 2)


def test_inverse_ignores_what_is_written(memory) -> None:
    generated = memory[10]
    memory[10] = 3
    assert memory.invert(generated) == 10


def test_law_2_has_no_inverse(open_memory) -> None:
    with pytest.raises(ValueError, match="law must be bijective to be inverted, not 'vrns16'"):
        open_memory(law=2).invert(1)
    with pytest.raises(ValueError, match="law must be bijective to be inverted, not 'vrns16'"):
        open_memory().invert([1], law=2)
