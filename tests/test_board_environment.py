"""The tests of the simulated board, run by the interpreter that has PYNQ."""

from tests.pynq_environment import MARKS, passed, run

pytestmark = MARKS


def test_the_simulated_board_passes_its_tests() -> None:
    assert passed(run("tests/board")) > 50
