"""The model of a board: its sums on round numbers, its sources, and that its clocks are fresh."""

import copy
import fnmatch
import json
import time

import pytest

from benchmarks.board_driver import CALLS, driver_calls
from benchmarks.board_model import CLOCKS, FIGURE, RESULTS, clocks, page
from benchmarks.harness import ROOT
from engram.arch.boards import BOARDS
from engram.fpga.board_facts import Input
from engram.fpga.board_model import TITLE, board_by_name, model, recorded
from sim.golden.bus import GoldenBus

BASES = {"published", "measured", "estimated", "chosen"}


def results(name: str) -> dict:
    return json.loads((RESULTS / f"{name}.json").read_text())


def plain(reached: float = 1000.0, **changes: float) -> dict:
    """Return clocks of which every job takes 1,000 for 1,000 units, and 100 for none."""
    found = copy.deepcopy(recorded())
    found["alone"] = dict.fromkeys(found["alone"], 100)
    for pace in found["paces"]:
        pace |= {"units": 1000, "clocks": 1000, "read_bytes": 0, "written_bytes": 800}
        pace |= changes
    found["reached_mhz"] = reached
    found["luts"] = 0
    driver = found["driver"]
    driver["store_seconds"] = 1e-6
    driver["access_seconds"] = 0.1e-6
    driver["sync_seconds"] = 0.5e-6
    driver["loop_seconds"] = 10e-6
    for call in driver["calls"]:
        call |= {"least_seconds": 10e-6, "most_seconds": 20e-6, "accesses": 2, "syncs": 4}
        call |= {"synced_bytes": 10**6}
    return found


def test_what_is_in_the_package_is_what_was_measured() -> None:
    fresh = clocks(results("accelerator"), results("gateware"), results("board_model")["driver"])
    assert json.loads(CLOCKS.read_text()) == json.loads(json.dumps(fresh))
    assert recorded() == json.loads(CLOCKS.read_text())


def test_what_is_in_the_package_is_installed_with_it() -> None:
    tomllib = pytest.importorskip("tomllib", reason="pyproject.toml is read by Python 3.11")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["engram"]
    path = str(CLOCKS.relative_to(ROOT / "host" / "engram"))
    assert any(fnmatch.fnmatch(path, pattern) for pattern in patterns), patterns


def test_results_and_page_are_what_the_package_says() -> None:
    models = [model(board) for board in BOARDS.values()]
    expected = json.loads(json.dumps([each.to_dict() for each in models]))
    assert results("board_model")["models"] == expected
    assert FIGURE.read_text() == "\n".join(page(models)) + "\n"
    assert TITLE in results("board_model")["what"]
    assert FIGURE.read_text().startswith("**A model, not a measurement**")


@pytest.mark.parametrize("key", BOARDS)
def test_every_input_is_a_range_with_a_source(key) -> None:
    for name, given in model(BOARDS[key]).inputs.items():
        assert 0 < given.least <= given.most, name
        assert given.basis in BASES
        assert len(given.source) > 20
        assert given.unit


@pytest.mark.parametrize(("reached", "least"), [(88.6, 85), (104.9, 100), (99.9, 95), (500.0, 100)])
def test_a_clock_is_between_what_was_reached_and_what_is_asked_for(reached, least) -> None:
    clock = model(BOARDS["pynq-z2"], plain(reached)).inputs["clock"]
    assert (clock.least, clock.most) == (least, 100)


def test_a_job_takes_its_clocks() -> None:
    jobs = model(BOARDS["pynq-z2"], plain()).jobs
    assert len(jobs) == 8
    for job in jobs:
        assert job.words_a_second == pytest.approx((1e8, 1e8))  # a word a clock of 100 MHz


def test_a_slower_clock_is_slower() -> None:
    job = model(BOARDS["pynq-z2"], plain(52.0)).jobs[0]
    assert job.words_a_second == pytest.approx((5e7, 1e8))


@pytest.mark.parametrize(
    ("key", "read", "written", "least", "most"),
    [
        ("pynq-z2", 0, 8000, 10e-6, 12.5e-6),  # the port: 8 bytes a clock, or 80 % of that
        ("pynq-z2", 8000, 8000, 16000 / 1575e6, 12.5e-6),  # the DRAM has both ways in common
        ("pynq-z2", 9000, 9000, 18000 / 1575e6, 14.0625e-6),
        ("kv260", 9000, 9000, 7.5e-6, 9.375e-6),  # whose DRAM is no limit, at 150 MHz
    ],
)
def test_a_job_takes_longer_where_memory_is_slower(key, read, written, least, most) -> None:
    job = model(BOARDS[key], plain(read_bytes=read, written_bytes=written)).jobs[0]
    assert job.words_a_second == pytest.approx((1000 / most, 1000 / least))


def test_a_words_energy_is_that_of_the_core_and_of_what_it_moves() -> None:
    still = plain()  # no LUTs, so only the DRAM: 0.8 bytes a word of 20 to 70 pJ a bit
    job = model(BOARDS["pynq-z2"], still).jobs[0]
    assert job.joules == pytest.approx((0.8 * 8 * 20e-12, 0.8 * 8 * 70e-12))
    still["luts"] = 45_433
    busy = model(BOARDS["pynq-z2"], still).jobs[0]
    core = 0.98 / 3  # at a third of the clock
    assert busy.joules[0] == pytest.approx(job.joules[0] + core / 1e8)
    assert busy.joules[1] == pytest.approx(job.joules[1] + 4 * core / 1e8)
    assert model(BOARDS["pynq-z2"], still).dram_joules == pytest.approx((64 * 20e-12, 64 * 70e-12))


def test_a_call_is_the_sum_of_its_parts() -> None:
    calls = {call.call: call for call in model(BOARDS["pynq-z2"], plain()).calls}
    assert tuple(calls) == CALLS
    call = calls["gather 1,000 words"]
    assert call.device == pytest.approx((10e-6, 10e-6))
    # Python 27 to 36 times as long; 2 accesses; 4 syncs, with system calls.
    least = 27 * (10e-6 + 2 * 0.1e-6 + 4 * 0.5e-6) + 4 * 5e-6 + 10**6 * 0.5e-9 + 10e-6
    most = 36 * (20e-6 + 2 * 0.1e-6 + 4 * 0.5e-6) + 4 * 30e-6 + 10**6 * 2e-9 + 10e-6
    assert call.polling == pytest.approx((least, most))
    wake_up = (10e-6 * 27 + 6 * 27e-6 + 20e-6, 10e-6 * 36 + 6 * 36e-6 + 20e-6)
    assert call.interrupt == pytest.approx((least + wake_up[0], most + wake_up[1]))
    assert call.words_a_second == pytest.approx((1000 / most, 1000 / least))
    assert call.joules == pytest.approx((1.25 * least, 2.5 * most))


def test_a_call_of_another_size_takes_its_share_of_clocks() -> None:
    calls = {call.call: call for call in model(BOARDS["pynq-z2"], plain()).calls}
    assert calls["read a word"].device[0] == pytest.approx((100 + 900 / 1000) / 1e8)
    assert calls["read 65,536 words"].device[0] == pytest.approx((100 + 900 * 65.536) / 1e8)


def test_the_kria_is_two_to_three_times_as_fast() -> None:
    (call, *_) = model(BOARDS["kv260"], plain()).calls
    least = 9 * (10e-6 + 2 * 0.1e-6 + 4 * 0.5e-6) + 4 * 5e-6 + 10**6 * 0.125e-9
    most = 18 * (20e-6 + 2 * 0.1e-6 + 4 * 0.5e-6) + 4 * 30e-6 + 10**6 * 1e-9
    host = [whole - device for whole, device in zip(call.polling, call.device, strict=True)]
    assert host == pytest.approx([least, most])


def test_the_model_never_promises_more_than_the_gateware_has() -> None:
    for board in BOARDS.values():
        for job in model(board).jobs:
            low, high = job.words_a_second
            assert low < high <= board.clock_mhz * 1e6


def test_a_board_that_is_not_known_is_refused_with_those_that_are() -> None:
    with pytest.raises(ValueError, match="model must be one of pynq-z2, kv260, not 'zcu104'"):
        board_by_name("zcu104")
    assert board_by_name("kv260") is BOARDS["kv260"]


def test_an_input_is_plain_in_json() -> None:
    given = Input(1, 2, "W", "estimated", "somewhere")
    assert json.loads(json.dumps(given.to_dict()))["source"] == "somewhere"


def test_the_driver_is_measured_without_what_the_bus_does(monkeypatch) -> None:
    write = GoldenBus.write

    def slow(bus: GoldenBus, offset: int, value: int) -> None:
        time.sleep(0.01)
        write(bus, offset, value)

    monkeypatch.setattr(GoldenBus, "write", slow)
    (call, *_) = driver_calls(rounds=1)
    assert call.least_seconds < 0.01


def test_what_a_call_asks_of_the_bus_is_counted() -> None:
    calls = {call.call: call for call in driver_calls(rounds=3)}
    for call in calls.values():
        assert 0 < call.least_seconds <= call.most_seconds < 0.1
        assert call.accesses == 2
        # A descriptor's flush; a look, the record and, mostly, the words.
        assert 4 <= call.syncs <= 5
    assert calls["read a word"].synced_bytes == 64 + 32 + 32 + 8
    assert calls["gather 1,000 words"].synced_bytes == 64 + 32 + 32 + 16000
    assert calls["read 65,536 words"].synced_bytes == 64 + 32 + 32 + 8 * 65_536
