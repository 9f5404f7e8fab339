"""Written words hide generated ones until they are erased, everywhere and in every mixture."""

import random

import numpy as np
import pytest

from tests.conformance.model import Model

SEED = 0x1337BEEFCAFEBABE
LAST = 2**64 - 1
TOP_PAGE = 2**64 - 512
# Addresses that devices are tempted to give a meaning of their own, and their neighbours.
SPECIAL = [0, 1, 511, 512, 2**32 - 1, 2**32, 2**55 - 1, 2**63]
SPECIAL += [TOP_PAGE - 1, TOP_PAGE, LAST - 2, LAST - 1, LAST]


@pytest.fixture
def model() -> Model:
    return Model(SEED)


def around(model: Model) -> list[int]:
    """Addresses worth comparing: all that is written, and beside it."""
    near = {at + step for at in model.held for step in (-1, 0, 1)}
    return sorted(at for at in near | set(SPECIAL) if 0 <= at <= LAST)


def agree(memory, model: Model, first: int = 0, count: int = 0) -> None:
    """Compare every way to read around what is written, and a range."""
    addresses = around(model)
    assert memory.read(addresses).tolist() == model.many(addresses)
    sample = addresses[:: max(1, len(addresses) // 50)]
    assert [memory[address] for address in sample] == model.many(sample)
    assert memory.is_written(addresses).tolist() == [at in model.held for at in addresses]
    assert [memory.is_written(at) for at in sample] == [at in model.held for at in sample]
    assert memory.written_words == len(model.held)
    if count:
        assert memory.read(first, count).tolist() == model.many(range(first, first + count))


@pytest.mark.parametrize("value", [0, 1, LAST - 1, LAST])
def test_special_addresses_hold_special_values(memory, model, value) -> None:
    for address in SPECIAL:
        memory[address] = value
        model.held[address] = value
        assert memory[address] == value
        assert memory.read(address, 1).tolist() == [value]
        assert memory.read([address, address]).tolist() == [value, value]
    agree(memory, model, LAST - 9, 10)
    for address in SPECIAL:
        assert memory.erase(address) == 1
        assert memory.erase(address) == 0
        del model.held[address]
        assert memory[address] == model[address]
    agree(memory, model)


def test_a_word_written_as_generated_is_written(memory, model) -> None:
    memory[7] = memory[7]
    assert memory.is_written(7)
    assert memory.written_words == 1
    assert memory.read(7, law=2) == model[7] != memory.read(8, law=2)


@pytest.mark.parametrize(
    ("first", "count"),
    [
        (0, 1), (0, 127), (0, 128), (5, 128), (0, 511), (0, 512), (0, 513), (400, 112), (400, 240),
        (385, 127), (384, 128), (511, 514), (1, 2000), (2**32 - 600, 1200), (TOP_PAGE - 1, 2),
        (TOP_PAGE - 130, 642), (TOP_PAGE, 512), (LAST - 1, 2), (LAST, 1), (LAST - 127, 128),
    ],
)  # fmt: skip
def test_a_run_is_written_and_erased_whole(memory, model, first, count) -> None:
    values = (np.arange(count, dtype=np.uint64) + np.uint64(1)) * np.uint64(0xD1B54A32D192ED03)
    memory.write(first, values)
    model.write(range(first, first + count), values.tolist())
    start = max(0, first - 3)
    agree(memory, model, start, min(count + 6, LAST + 1 - start))
    middle = first + count // 3
    erased = memory.erase(middle, count - count // 3)
    assert erased == model.erase(middle, count - count // 3)
    agree(memory, model, first, count)
    assert memory.erase(first, count) == model.erase(first, count)
    assert memory.written_words == 0
    agree(memory, model, first, count)


def test_of_two_values_for_one_address_the_later_wins(memory, model) -> None:
    addresses = [5, LAST, 5, 6, LAST, 7, 5, *range(1000, 1200), *range(1100, 1300), 1150]
    memory.write(addresses, np.arange(len(addresses)))
    model.write(addresses, range(len(addresses)))
    agree(memory, model)
    assert memory.erase([5, 5, 6, LAST, LAST, 99]) == 3
    for address in (5, 6, LAST):
        del model.held[address]
    agree(memory, model)


@pytest.mark.parametrize("law", [2, 3, 4])
def test_another_law_for_a_read_changes_unwritten_words_only(memory, model, law) -> None:
    memory.write(1000, np.arange(300))  # a run of one page, and one of the next
    memory.write(5000, np.arange(10))
    memory.write([LAST, 9000], [1, 2])
    memory.erase(1100, 5)
    model.write(range(1000, 1300), range(300))
    model.write([*range(5000, 5010), LAST, 9000], [*range(10), 1, 2])
    model.erase(1100, 5)
    for first, count in ((990, 320), (1024, 512), (4990, 30), (LAST - 5, 6), (8999, 3)):
        span = range(first, first + count)
        assert memory.read(first, count, law=law).tolist() == model.many(span, law)
        assert memory.read(list(span), law=law).tolist() == model.many(span, law)
        assert [memory.read(at, law=law) for at in span[:9]] == model.many(span[:9], law)
        for dtype in ("float32", "int8", "normal", "float64"):
            made = memory.read(first, count, dtype=dtype, law=law).tobytes()
            assert made == model.elements(span, dtype, law)


@pytest.mark.parametrize("base", [512 * 10, TOP_PAGE])
def test_single_words_survive_a_run_over_their_page(memory, model, base) -> None:
    singles = [base + i for i in (0, 1, 63, 64, 200, 299, 300, 510, 511)]
    memory.write(singles, range(10, 19))
    model.write(singles, range(10, 19))
    memory.write(base + 64, np.arange(237))  # long enough for the page to be kept otherwise
    model.write(range(base + 64, base + 301), range(237))
    agree(memory, model, base, 512)
    assert memory.erase(base + 60, 10) == model.erase(base + 60, 10)
    agree(memory, model, base, 512)
    memory[base + 62] = 5
    model.held[base + 62] = 5
    agree(memory, model, base, 512)
    assert memory.erase(base, 512) == model.erase(base, 512)
    agree(memory, model, base, 512)
    memory[base + 1] = 6
    model.held[base + 1] = 6
    agree(memory, model, base, 512)


def test_words_under_a_page_do_not_come_back_when_it_is_erased(memory, model) -> None:
    base = 512 * 77
    for erase in (lambda: memory.erase(base, 512), lambda: memory.erase(0, 2**64)):
        memory.write(range(base, base + 512, 5), 1)
        memory.write(base, np.full(512, 2))
        assert erase() == 512
        assert memory.read(base, 512).tolist() == model.many(range(base, base + 512))
        assert memory.written_words == 0
        memory[base + 3] = 9
        model.held[base + 3] = 9
        assert memory.read(base, 6).tolist() == model.many(range(base, base + 6))
        del model.held[base + 3]
        assert memory.erase(base, 6) == 1


def test_erasing_word_by_word_empties_a_page(memory, model) -> None:
    memory.write(1024, np.arange(512))
    assert memory.erase(np.arange(1024, 1536)) == 512
    assert memory.written_words == 0
    assert memory.read(1024, 512).tolist() == model.many(range(1024, 1536))
    memory.write(1024, [1, 2])
    assert memory.erase(1020, 600) == 2
    assert memory.read(1024, 512).tolist() == model.many(range(1024, 1536))


@pytest.mark.parametrize(
    "span", [(0, 2**64), (0, 2**63 + 1), (1, 2**64 - 1), (2**20, 2**64 - 2**20)]
)
def test_a_vast_range_is_erased(memory, model, span) -> None:
    addresses = [0, 1, 2**20 - 1, 2**20, 2**40, 2**63, LAST - 1, LAST]
    memory.write(addresses, range(8))
    model.write(addresses, range(8))
    for base in (2**20 - 200, 2**50, 2**63 - 256, TOP_PAGE - 600):
        memory.write(base, np.arange(400))
        model.write(range(base, base + 400), range(400))
    assert memory.erase(*span) == model.erase(*span)
    agree(memory, model, 2**20 - 250, 600)
    agree(memory, model, 2**63 - 300, 500)
    assert memory.erase(0, 2**64) == len(model.held)
    model.held.clear()
    agree(memory, model)


def test_erasing_nothing_erases_nothing(memory) -> None:
    memory[LAST] = 1
    assert memory.erase(LAST, 0) == 0
    assert memory.erase(0, 0) == 0
    assert memory.erase([]) == 0
    assert memory.erase(np.empty((0, 3), np.uint64)) == 0
    assert memory.erase(5) == memory.erase(0, LAST) == 0
    assert memory.written_words == 1


def test_writing_nothing_writes_nothing(memory) -> None:
    memory.write(5, [])
    memory.write([], [])
    memory.write(LAST, np.empty(0, np.uint64))
    memory.write(np.empty((2, 0), np.uint64), 7)
    assert memory.written_words == 0


def test_a_write_keeps_its_own_copy(memory, model) -> None:
    values, addresses = np.arange(600, dtype=np.uint64), np.arange(9000, 9100, dtype=np.uint64)
    memory.write(0, values)
    memory.write(addresses, values[:100])
    values[:] = 3
    addresses[:] = 3
    assert memory.read(0, 600).tolist() == list(range(600))
    assert memory.read(9000, 100).tolist() == list(range(100))
    read = memory.read(0, 600)
    read[:] = 0
    assert memory.read(0, 600).tolist() == list(range(600))


def test_one_value_fills_a_slice_or_a_scatter(memory, model) -> None:
    memory[100:700] = LAST
    memory.write([[1, 2], [3, 4]], 8)
    memory[np.array([9, 10])] = 0
    model.write(range(100, 700), [LAST] * 600)
    model.write([1, 2, 3, 4, 9, 10], [8, 8, 8, 8, 0, 0])
    agree(memory, model, 0, 710)


def test_ten_thousand_mixed_changes_leave_what_a_dict_would(memory, model) -> None:
    draw = random.Random(11)
    bases = [0, 512 * 3, 2**32 - 512, 2**40, TOP_PAGE - 512, TOP_PAGE]
    for step in range(700):
        base = draw.choice(bases)
        first = base + draw.randrange(512)
        count = min(draw.choice([1, 1, 2, 20, 127, 128, 300, 512]), LAST + 1 - first)
        kind = draw.randrange(7)
        if kind == 0:
            values = [draw.getrandbits(64) for _ in range(count)]
            memory.write(first, values)
            model.write(range(first, first + count), values)
        elif kind == 1:
            addresses = [base + draw.randrange(512) for _ in range(count)]
            memory.write(addresses, range(step, step + count))
            model.write(addresses, range(step, step + count))
        elif kind == 2:
            addresses = [draw.choice(bases) + i for i in range(min(count, 512))]
            memory.write(addresses, step)
            model.write(addresses, [step] * len(addresses))
        elif kind == 3:
            assert memory.erase(first, count) == model.erase(first, count)
        elif kind == 4:
            assert memory.erase(base, 512) == model.erase(base, 512)
        elif kind == 5:
            addresses = {base + draw.randrange(512) for _ in range(count)}
            held = sum(model.held.pop(at, None) is not None for at in addresses)
            assert memory.erase(list(addresses)) == held
        else:
            memory[first] = step
            model.held[first] = step
        if step % 25 == 0:
            agree(memory, model, base, 512)
    for base in bases:
        agree(memory, model, base, 512)


def test_the_report_counts_words(memory) -> None:
    memory.write([5, 5, 6, 700, LAST], 1)
    memory.write(1000, range(20))
    assert memory.erase([5, 99]) == 1
    assert memory.erase(1000, 10) == 10
    before = memory.report().spaces[0]
    assert (before.write_words, before.erased_words, before.written_words) == (25, 11, 13)
    assert before.read_words == before.hit_words == 0
    for read in (
        lambda: memory.read(990, 120),  # 10 words of it are written
        lambda: memory.read(990, 120, dtype="float32", law=2),
        lambda: memory.read(np.arange(990, 1110)),
        lambda: memory.read(np.arange(990, 1110), law=4),
        lambda: [memory[address] for address in range(990, 1110)],
    ):
        start = memory.report().spaces[0]
        read()
        end = memory.report().spaces[0]
        assert end.read_words - start.read_words == 120
        assert end.hit_words - start.hit_words == 10
        assert end.generated_words - start.generated_words == 110
    memory.read([6, 6, 700, 7])
    assert memory.report().spaces[0].hit_words == 53
    assert memory.report().generated_bytes == 8 * (5 * 110 + 1)


def test_reading_a_written_page_is_all_hits(memory) -> None:
    memory.write(1024, np.arange(512))
    memory.erase(1100, 100)
    memory.read(1024, 512)
    hits = memory.report().spaces[0].hit_words
    assert 412 <= hits <= 512  # a device that keeps whole pages may count the erased words too
    memory.read(0, 1024)
    assert memory.report().spaces[0].hit_words == hits
    assert memory.report().spaces[0].read_words == 1536
