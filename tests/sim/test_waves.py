"""Timing diagrams: what is read from a trace, how it is drawn, and that it is the truth."""

import re
from xml.etree import ElementTree

import pytest

from sim.waves.drawing import Bus, Diagram, Group, Span, Wire, draw
from sim.waves.trace import Trace
from tests.sim.designs import MISSING

# A clock of ten units; `a.word` changes at the edges, and `a.late` in the middle of clock 1.
VCD = """\
$version made by hand $end
$timescale 1ps $end
 $scope module top $end
  $var wire 1 ! clk $end
  $scope module a $end
   $var wire 1 ! clk $end
   $var wire 4 " word [3:0] $end
   $var wire 1 # late $end
   $var wire 1 $ other $end
  $upscope $end
  $var wire 1 % b $end
 $upscope $end
$enddefinitions $end
#0
1!
b0011 "
0#
0$
1%
#5
0!
#10
1!
b1010 "
0%
#15
0!
1#
#20
1!
b111 "
0#
x$
#25
0!
#30
1!
#35
0!
"""

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def diagram(**changes) -> Diagram:
    words = [None, "short", "short", "short", "a & <long> label", None, *[None] * 14]
    settings = {
        "title": "Some clocks",
        "groups": [
            Group(
                "channel",
                [Wire("valid", [0, 1, 1, 1, 1, 0, *[0] * 14]), Bus("data", words)],
                passes=[4],
            )
        ],
        "shown": [range(7), range(17, 20)],
        "spans": [Span(1, 5, "4 clocks")],
    }
    return Diagram(**{**settings, **changes})


def test_a_value_is_the_last_one_before_the_next_edge() -> None:
    trace = Trace(VCD, "top.clk")
    assert trace.clocks == 4
    assert trace.names == [
        "top.a.clk", "top.a.late", "top.a.other", "top.a.word", "top.b", "top.clk",
    ]  # fmt: skip
    assert trace.values("top.a.word") == [3, 10, 7, 7]
    assert trace.values("top.a.late") == [0, 1, 0, 0]
    assert trace.values("top.b") == [1, 0, 0, 0]


def test_what_a_trace_has_not_is_refused() -> None:
    trace = Trace(VCD, "top.a.clk")
    with pytest.raises(KeyError, match=r"the trace has no signal 'top\.c'"):
        trace.values("top.c")
    with pytest.raises(ValueError, match=r"top\.a\.other must be of zeros and ones, not 'x'"):
        trace.values("top.a.other")
    with pytest.raises(ValueError, match="text must be a VCD file"):
        Trace("#0\n1!\n", "top.clk")


def test_a_drawing_is_the_same_every_time_and_needs_nothing_else() -> None:
    svg = draw(diagram())
    assert draw(diagram()) == svg
    assert ElementTree.fromstring(svg).tag == f"{SVG}svg"
    assert re.findall(r"https?://[^\"]+", svg) == ["http://www.w3.org/2000/svg"]
    assert "\n\n" not in svg  # a blank line would end it as a block of Markdown


def test_only_shown_clocks_are_drawn_and_the_others_are_counted() -> None:
    found = texts(draw(diagram()))
    assert [text for text in found if text.isdigit()] == [*"0123456", "17", "18", "19"]
    assert "+10" in found
    assert not any(text.startswith("+") for text in texts(draw(diagram(shown=[range(20)]))))


def test_a_label_that_does_not_fit_is_told_below() -> None:
    found = texts(draw(diagram()))
    assert "short" in found
    assert found[-1] == "A  a & <long> label"
    assert found.count("A") == 1


def test_a_label_that_is_cut_is_told_where_it_fits() -> None:
    words = [*["a long label"] * 18, "b", "b"]
    groups = [Group("channel", [Bus("data", words)])]
    cut = texts(draw(diagram(groups=groups, spans=(), shown=[range(7), range(17, 20)])))
    assert cut.count("a long label") == 1
    assert not any(text.startswith("A") for text in cut)


def test_a_level_is_drawn_where_it_is() -> None:
    root = ElementTree.fromstring(draw(diagram(shown=[range(7)], spans=())))
    (wave,) = [
        path.get("d", "") for path in list(root.iter(f"{SVG}path"))[:-3]
        if path.get("class") == "wave"
    ][1:]  # the first is the clock
    levels = [int(level) for level in re.findall(r"V(\d+)", wave)]
    low, high = levels[0], levels[1]
    assert high < low
    assert levels == [low, high, high, high, high, low, low]


# Building the traced model takes a minute and more.
@pytest.mark.rtl
@pytest.mark.skipif(bool(MISSING), reason=MISSING)
def test_a_hit_is_drawn_in_as_many_clocks_as_it_takes() -> None:
    from sim.waves.host import Host, library
    from sim.waves.scenarios import SCENARIOS

    made = library()
    host = Host(made)
    host.window(0)
    before = host.bus.cycles
    host.window(1)
    taken = host.bus.cycles - before
    picture = SCENARIOS["window_hit"](Host(made))
    (whole,) = [span for span in picture.spans if span.text.startswith("address to word")]
    # The bus counts the clock in which the address is offered, too.
    assert whole.last - whole.first == taken - 1
    assert whole.text == f"address to word: {taken - 1} clocks"
    rows = {row.name: row for group in picture.groups for row in group.rows}
    assert sum(rows["tlb_hit"].values) == 1
    assert not any(rows["tlb_miss"].values)
