"""The list of exceptions excuses what it names, and names only what there is."""

from pathlib import Path

from engram.registry import devices
from tests.conformance.exceptions import EXCEPTIONS, Excuse, mark_of


def test_every_exception_names_a_test_and_a_device() -> None:
    sources = "".join(file.read_text() for file in Path(__file__).parent.glob("test_*.py"))
    names = {status.name for status in devices()}
    for device, test in EXCEPTIONS:
        assert device in names
        assert f"\ndef {test}(" in sources


def test_an_exception_marks_its_test_on_its_device_only() -> None:
    exceptions = {
        ("toy", "test_one"): Excuse("skip", "has no ones"),
        ("toy", "test_two"): Excuse("xfail", "twos come out as threes"),
    }
    skip = mark_of("toy", "test_one", exceptions)
    xfail = mark_of("toy", "test_two", exceptions)
    assert skip is not None
    assert xfail is not None
    assert (skip.name, skip.kwargs) == ("skip", {"reason": "has no ones"})
    assert (xfail.name, xfail.kwargs["strict"]) == ("xfail", True)
    assert mark_of("toy", "test_three", exceptions) is None
    assert mark_of("golden", "test_one", exceptions) is None
