"""The proof about the ring holds, and fails of a sequencer that is broken."""

from dataclasses import replace

import pytest

from hdl.formal.ring import PROOFS, RingHarness
from hdl.formal.runner import run
from tests.hdl.axi.test_proofs import broken

PROOF = next(proof for proof in PROOFS if proof.mode == "prove")

# What stands in the sequencer, and what is put in its place.
BREAKS = (
    ("self.head.eq(self.head + 1)", "self.head.eq(self.head + 2)"),
    ("with m.Elif(level != 0):", "with m.Elif(level == 0):"),
    ("number * COMPLETION_BYTES", "number * DESCRIPTOR_BYTES"),
)


@pytest.mark.long
@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.name)
def test_the_proof_holds(proof, tmp_path) -> None:
    outcome = run(proof, tmp_path)
    assert outcome.status == "PASS", outcome.log


@pytest.mark.parametrize(
    ("old", "new"), [BREAKS[0], *(pytest.param(*b, marks=pytest.mark.long) for b in BREAKS[1:])]
)
def test_the_proof_fails_of_a_broken_sequencer(old, new, tmp_path) -> None:
    make = broken("hdl.ring.sequencer.Sequencer", old, new)
    outcome = run(replace(PROOF, harness=lambda: RingHarness(make)), tmp_path)
    assert outcome.status != "PASS"
    assert "failed assertion" in outcome.log, outcome.log
