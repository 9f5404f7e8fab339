"""The conformance suite on the simulated board, run by the interpreter that has PYNQ."""

from tests.conformance.exceptions import EXCEPTIONS
from tests.pynq_environment import MARKS, collected, passed, run

pytestmark = MARKS


def test_the_simulated_board_passes_the_conformance_suite() -> None:
    cases = collected("fpga-pynq-sim")
    assert cases == collected("fpga-sim") > 250
    summary = run("tests/conformance", "--device", "fpga-pynq-sim")
    assert passed(summary) >= cases - 3, summary  # the one test that it is excused from


def test_it_is_excused_from_what_the_gateware_alone_is_excused_from() -> None:
    def excused(device: str) -> set[str]:
        return {test for name, test in EXCEPTIONS if name == device}

    assert excused("fpga-pynq-sim") == excused("fpga-sim")
