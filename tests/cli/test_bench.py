"""engram bench: answers first, then speed."""

import json
import time

import pytest
from typer.testing import CliRunner

from engram.arch.boards import BOARDS
from engram.cli.app import app
from engram.cli.bench import board, contests
from engram.cli.bench.figures import Contest, Figure
from engram.fpga.board_model import model


def test_bench_prints_figures_beside_peers(run_json) -> None:
    found = run_json("bench", "--words", 1 << 14, "--rounds", 1)
    assert found["checked_words"] > 50_000
    pairs = {(figure["name"], figure["peer"]) for figure in found["figures"]}
    for name in ("fill, 1 thread", "fill, all threads"):
        assert {(name, "memset"), (name, "NumPy SFC64"), (name, "NumPy PCG64DXSM")} <= pairs
    assert {"gather, 1 thread", "one word a call", "random writes, 1 thread"} <= {
        name for name, _ in pairs
    }
    for figure in found["figures"]:
        assert figure["rate"] > 0
        assert figure["ratio"] == pytest.approx(figure["rate"] / figure["peer_rate"])


def test_bench_prints_a_table() -> None:
    result = CliRunner().invoke(app, ["bench", "-n", "2**12", "-r", "1"])
    assert result.exit_code == 0
    assert "memset" in result.stdout
    assert "ratio" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_a_wrong_answer_stops_it_before_any_figure(monkeypatch) -> None:
    right = contests.generate

    def wrong(law, seed, addresses):
        words = right(law, seed, addresses)
        words[-1] ^= 1
        return words

    monkeypatch.setattr(contests, "generate", wrong)
    result = CliRunner().invoke(app, ["bench", "-n", "2**12"])
    assert result.exit_code == 1
    assert "engram: range: words differ from those computed independently\n" in result.stderr
    assert result.stdout == ""


def test_wrong_options_are_told_in_one_line(fail) -> None:
    assert "--words must be in 1024..2**30" in fail(2, "bench", "--words", 5)
    assert "--words must be an integer" in fail(2, "bench", "--words", "many")
    assert "seed must be in 0..2**64-1" in fail(2, "bench", "--seed", "2**64")
    assert "Invalid value for '--rounds'" in fail(2, "bench", "--rounds", 0)


@pytest.mark.parametrize("key", BOARDS)
def test_a_board_is_modelled_and_never_said_to_be_measured(key, run_json) -> None:
    result = CliRunner().invoke(app, ["bench", "--model", key])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == f"{BOARDS[key].title}: a model, not a measurement"
    assert lines[-1] == "Nothing here has run on a board."
    assert max(map(len, lines)) <= 80
    found = run_json("bench", "--model", key)
    assert found["what"] == "a model, not a measurement"
    assert found == json.loads(json.dumps(model(BOARDS[key]).to_dict()))
    for name, given in found["inputs"].items():
        assert f"  {name}, " in result.stdout
        assert given["source"] in " ".join(result.stdout.split())
    for job in found["jobs"]:
        assert job["job"] in result.stdout
    for call in found["calls"]:
        assert call["call"] in result.stdout


def test_a_board_that_is_not_known_is_told_with_those_that_are(fail) -> None:
    told = fail(2, "bench", "--model", "zcu104")
    assert "model must be one of pynq-z2, kv260, not 'zcu104'" in told


@pytest.mark.parametrize(("values", "unit", "text"), [
    ((1e-3, 2e-3), "s", "1-2 ms"),
    ((9.9e-7, 1e-3), "s", "0.00099-1 ms"),
    ((2e6, 2e6), "", "2 M"),
    ((5, 99.96), "W", "5-100 W"),
    ((3e-13, 4e-12), "J", "0.3-4 pJ"),
    ((1234, 5678), "", "1.2-5.7 k"),
    ((9.96, 123.4), "s", "10-123 s"),
])  # fmt: skip
def test_a_range_is_told_in_the_prefix_of_its_upper_end(values, unit, text) -> None:
    assert board._span(values, unit) == text


def test_a_contest_counts_medians_and_leaves_the_first_round_out() -> None:
    calls = []
    contest = Contest("x", "words", 10, lambda: time.sleep(0.002), {"y": lambda: calls.append(1)})
    (figure,) = contest.run(3)
    assert len(calls) == 4
    assert (figure.name, figure.peer) == ("x", "y")
    assert figure.rate <= 10 / 0.002
    assert Figure("a", "words", 6.0, "b", 3.0).ratio == 2.0


@pytest.mark.parametrize("option", ["--words=4096", "--rounds=1", "--seed=3"])
def test_what_is_measured_cannot_be_said_of_a_model(option) -> None:
    result = CliRunner().invoke(app, ["bench", "--model", "kv260", option])
    assert result.exit_code == 2
    name = option.split("=")[0]
    assert f"{name} must be left out with --model: nothing is measured" in result.stderr
