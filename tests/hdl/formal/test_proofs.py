"""The proofs hold, and each of them fails for a component that is broken in the way it is about."""

from dataclasses import replace

import pytest
from amaranth.hdl import Const

from hdl.formal.proofs import PROOFS
from hdl.formal.runner import Proof, run
from hdl.formal.streams import PipelineHarness, SkidHarness
from hdl.formal.words import FoldHarness, GeneratorHarness, SequencerHarness
from hdl.stream import Pipeline, SkidBuffer
from hdl.synth.generator import WordGenerator
from hdl.synth.lanes import LaneFold, LaneSequencer

BY_NAME = {proof.name: proof for proof in PROOFS}


class EagerSkid(SkidBuffer):
    """Takes words for which it has no place."""

    def elaborate(self, platform):
        m = super().elaborate(platform)
        m.d.comb += self.i.ready.eq(1)
        return m


class RestlessSkid(SkidBuffer):
    """Shows whatever arrives in place of what it offered."""

    def elaborate(self, platform):
        m = super().elaborate(platform)
        with m.If(self.i.valid):
            m.d.comb += self.o.payload.eq(self.i.payload)
        return m


class LazySkid(SkidBuffer):
    """Takes a word only while none is offered: right, but at half the pace."""

    def elaborate(self, platform):
        m = super().elaborate(platform)
        m.d.comb += self.i.ready.eq(~self.o.valid)
        return m


class EagerPipeline(Pipeline):
    """Takes words while its datapath stands still."""

    def elaborate(self, platform):
        m = super().elaborate(platform)
        m.d.comb += self.i.ready.eq(1)
        return m


class RepeatingPipeline(Pipeline):
    """Loses track of the word in its last stage when the reader stops."""

    def elaborate(self, platform):
        m = super().elaborate(platform)
        with m.If(~self.skid.i.ready):
            m.d.sync += self.occupied[-1].eq(1)
        return m


class IdleLookingPipeline(Pipeline):
    """Forgets the word on offer when it says whether it is busy."""

    def elaborate(self, platform):
        m = super().elaborate(platform)
        m.d.comb += self.busy.eq(self.occupied.any())
        return m


class PausingSequencer(LaneSequencer):
    """Leaves a clock between two words."""

    def elaborate(self, platform):
        m = super().elaborate(platform)
        m.d.comb += self.i.ready.eq(~self.o.valid)
        return m


class OverwritingFold(LaneFold):
    """Takes a last lane while the word before is still on offer."""

    def elaborate(self, platform):
        m = super().elaborate(platform)
        m.d.comb += self.i.ready.eq(1)
        return m


class SwappedGenerator(WordGenerator):
    """Sends the addresses of one law to the pipeline of the other."""

    def __init__(self, *arguments, **settings) -> None:
        super().__init__(*arguments, **settings)
        self._pipelines.reverse()


class FullGenerator(WordGenerator):
    """Says that every lane of every beat counts."""

    def elaborate(self, platform):
        m = super().elaborate(platform)
        m.d.comb += self.o.payload.keep.eq(Const(-1, self.lanes))
        return m


class HangingGenerator(WordGenerator):
    """Waits for ever for the words of a law that was not built."""

    def elaborate(self, platform):
        m = super().elaborate(platform)
        with m.If(self.o.payload.unsupported):
            m.d.comb += self.o.valid.eq(0)
        return m


def more(*broken):
    return pytest.param(*broken, marks=pytest.mark.long)


BROKEN = [
    ("skid-buffer", lambda: SkidHarness(EagerSkid)),
    more("skid-buffer", lambda: SkidHarness(RestlessSkid)),
    more("skid-buffer", lambda: SkidHarness(LazySkid)),
    more("pipeline", lambda: PipelineHarness(EagerPipeline)),
    ("pipeline", lambda: PipelineHarness(RepeatingPipeline)),
    more("pipeline", lambda: PipelineHarness(IdleLookingPipeline)),
    ("lane-sequencer", lambda: SequencerHarness(PausingSequencer)),
    ("lane-fold", lambda: FoldHarness(OverwritingFold)),
    more("generator", lambda: GeneratorHarness(SwappedGenerator)),
    more("generator", lambda: GeneratorHarness(FullGenerator)),
    ("generator", lambda: GeneratorHarness(HangingGenerator)),
]


@pytest.mark.parametrize("name", ["skid-buffer", "pipeline", "lane-sequencer", "lane-fold"])
def test_unbounded_proofs_hold(name, tmp_path) -> None:
    outcome = run(BY_NAME[name], tmp_path)
    assert outcome.status == "PASS", outcome.log


@pytest.mark.parametrize(("name", "harness"), BROKEN)
def test_broken_copies_are_found_out(name, harness, tmp_path) -> None:
    # Induction asks more than a copy need break in few clocks: these fail from reset.
    proof = replace(BY_NAME[name], harness=harness, mode="bmc", depth=9)
    outcome = run(proof, tmp_path)
    assert outcome.status == "FAIL", outcome.log
    assert "Assert failed" in outcome.log


def test_names_are_told_apart_and_modes_are_checked() -> None:
    assert len(BY_NAME) == len(PROOFS)
    with pytest.raises(ValueError, match="mode must be prove, bmc or cover, not 'hope'"):
        Proof("x", "x", PipelineHarness, "hope", 1)
