"""engram bench: answers first, then speed."""

import time

import pytest
from typer.testing import CliRunner

from engram.cli.app import app
from engram.cli.bench import contests
from engram.cli.bench.figures import Contest, Figure


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


def test_a_contest_counts_medians_and_leaves_the_first_round_out() -> None:
    calls = []
    contest = Contest("x", "words", 10, lambda: time.sleep(0.002), {"y": lambda: calls.append(1)})
    (figure,) = contest.run(3)
    assert len(calls) == 4
    assert (figure.name, figure.peer) == ("x", "y")
    assert figure.rate <= 10 / 0.002
    assert Figure("a", "words", 6.0, "b", 3.0).ratio == 2.0
