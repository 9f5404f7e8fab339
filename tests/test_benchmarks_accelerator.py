"""The hardware report: its clocks are the simulator's, and its tables say what was measured."""

import pytest

from benchmarks.accelerator import LATENCIES, Report, goals, tables
from benchmarks.accelerator_area import Design, Part, areas, parts
from benchmarks.accelerator_clocks import driver_calls, job_clocks, misses, window_word
from benchmarks.command_pace import CASES, measure, paces
from benchmarks.ring_host import SEED, RingHost, library
from benchmarks.synthesis import Area, CriticalPath, Placed, cells, critical_path
from engram.arch.accelerator import AcceleratorConfig
from engram.arch.commands import Command, Opcode
from engram.arch.laws import LAWS
from engram.errors import DeviceUnavailable
from sim.golden.laws import generate


@pytest.fixture(scope="module")
def made():
    try:
        return library(AcceleratorConfig())
    except DeviceUnavailable as error:
        pytest.skip(str(error))


def case(command: str, name: str):
    (found,) = (each for each in CASES if (each.command, each.case) == (command, name))
    return found


def test_clocks_of_a_job_are_those_that_the_simulator_counted(made) -> None:
    host = RingHost(made)
    jobs = []
    clocks = host.clocks_of(lambda: jobs.append(host.do(Command(Opcode.FENCE))))
    clearing = host.clocks_of(lambda: host.write("IRQ_STATUS", 0xF))
    assert jobs[0].doorbell_clocks == clocks - clearing
    assert jobs[0].doorbell_clocks > jobs[0].completions[0].clocks > 0


def test_jobs_are_measured_the_same_each_time(made) -> None:
    assert job_clocks(made, 20) == job_clocks(made, 20)


def test_what_is_measured_has_the_right_words(made) -> None:
    host = RingHost(made)
    host.words[:4] = [4, 3, 2, 1]
    host.do(Command(Opcode.WRITE, 102, 4, host.buffer))
    job = host.do(Command(Opcode.READ, 100, 8, host.buffer))
    words = [generate(LAWS[1], SEED, address) for address in range(100, 108)]
    assert host.words[:8].tolist() == [*words[:2], 4, 3, 2, 1, *words[6:]]
    assert job.written_bytes == 8 * (8 + 4)  # the words and the completion


def test_a_command_that_fails_is_no_measurement(made) -> None:
    host = RingHost(made)
    with pytest.raises(RuntimeError, match="BAD_RANGE"):
        host.do(Command(Opcode.FILL, 0, 0, host.buffer))


def test_memory_that_answers_before_it_is_asked_is_refused(made) -> None:
    with pytest.raises(ValueError, match="latency must be at least 1, not 0"):
        RingHost(made, latency=0)


def test_slower_memory_costs_clocks_and_no_bytes(made) -> None:
    gather = case("GATHER", "framed, TLB misses")
    fast, slow = (measure(made, gather, latency) for latency in (1, 20))
    assert slow.clocks > fast.clocks + 10 * fast.units
    assert (slow.read_bytes, slow.written_bytes) == (fast.read_bytes, fast.written_bytes)


def test_a_framed_page_in_a_later_slot_is_found_later(made) -> None:
    by_page = {miss.page: miss for miss in misses(made, 20) if miss.command == "READ"}
    assert by_page["framed"].most - by_page["framed"].least == 7  # a clock a slot
    assert by_page["framed, in the next bucket"].least > by_page["framed"].most
    assert by_page["generated"].least == by_page["generated"].most


def test_the_report_names_everything_that_was_measured(made) -> None:
    report = Report(
        paces=list(
            paces(made, LATENCIES, [case("FILL", "generated"), case("READ", "framed pages")])
        ),
        jobs={latency: job_clocks(made, latency) for latency in LATENCIES},
        misses=[miss for latency in LATENCIES for miss in misses(made, latency)],
        window_words={"generated": window_word(made, 20, framed=False)},
        window_bursts={"read, generated pages": 5000},
        lanes={1: {1: 1.0, 2: 0.06}},
        calls=driver_calls(made, AcceleratorConfig()),
    )
    found = tables(report)
    assert set(found) == {"pace", "misses", "jobs", "window", "lanes", "driver", "goals"}
    assert all(line.count("|") == lines[0].count("|") for lines in found.values() for line in lines)
    assert [line.split("|")[1].strip() for line in found["pace"][2:]] == [
        "FILL, generated", "READ, framed pages",
    ]  # fmt: skip
    values = {figure.name: figure.value for figure in goals(report)}
    fill = max(pace.clocks for pace in report.paces if pace.command == "FILL")
    assert values["FILL"] == 32 * 512 / fill
    assert values["window, a generated word"] == report.window_words["generated"]
    assert values["register accesses a job"] == 2


def test_a_path_is_told_in_the_gatewares_names() -> None:
    def step(kind, delay, start, end, net=""):
        return {"type": kind, "delay": delay, "from": {"cell": start}, "to": {"cell": end},
                "net": net}  # fmt: skip

    start = "accelerator.pager.tlb.match_TRELLIS_FF_Q_3"
    lut = "accelerator.pager.walker.keys_LUT4_Z_7"
    carry = [f"accelerator.mover.level_CCU2C_S0$CCU2_COMB{half}" for half in range(2)]
    end = "accelerator.mover.orders.valid_TRELLIS_FF_Q"
    path = critical_path([
        {"from": "<async>", "to": "posedge clk", "path": []},
        {"from": "posedge clk", "to": "posedge clk", "path": [
            step("clk-to-q", 0.5, start, start),
            step("routing", 1.0, start, lut, "accelerator.pager.tlb.match[3]"),
            step("logic", 0.25, lut, lut),
            step("routing", 2.0, lut, carry[0]),
            step("logic", 0.5, carry[0], carry[0]),
            step("routing", 0, *carry),
            step("logic", 0.5, carry[1], carry[1]),
            step("routing", 1.0, carry[1], end),
            step("setup", 0.25, end, end),
        ]},
    ])  # fmt: skip
    assert str(path) == (
        "from `pager.tlb.match` through `pager.walker`, `mover` to `mover.orders.valid`: "
        "6.0 ns, of which 2.0 in 2 levels of logic and 4.0 on wires"
    )


def test_cells_are_counted_by_type() -> None:
    assert cells("   16 cells\n   12   LUT6\n    4   FDRE\n") == {"LUT6": 12, "FDRE": 4}


@pytest.mark.parametrize(("lut", "dsp", "mhz", "said"), [
    (7980, 26, 100.0, "met"), (7981, 26, 100.0, "not met"), (7980, 27, 100.0, "not met"),
    (7980, 26, 99.9, "not met"),
])  # fmt: skip
def test_an_accelerator_meets_its_goals_up_to_the_last_cell(lut, dsp, mhz, said) -> None:
    path = CriticalPath("a.x", "c.y", ("a", "b", "c"), 3, 2.0, 8.0)
    area = Area(lut=lut, srl=1, ram=2, ff=3, dsp=dsp, bram=0.5)
    lines = list(areas([Design("engram", area, Placed(mhz, 4, 5, 6, path))]))
    assert len({line.count("|") for line in lines[:3]}) == 1
    assert lines[2].split("|")[-2].strip() == said
    assert lines[-1].startswith("- `engram`: from `a.x` through `b` to `c.y`: 10.0 ns")


def test_what_is_in_a_units_own_units_is_told_apart() -> None:
    sizes = {"pager": 10, "pager.tlb": 3, "pager.walker": 4, "window": 5}
    found = [Part(name, Area(size, 0, 0, size, 0, 0)) for name, size in sizes.items()]
    rows = [line.split("|") for line in parts(found) if line.startswith("|")]
    luts = {row[1].strip(): row[2].split()[0] for row in rows}
    assert luts["`pager` without the units below"] == "3"
    assert luts["sum"] == "15"
