"""Associations on nengo-loihi's emulator of the Loihi 1: the device ``loihi-nengo``."""

from engram.arch.associations import Association
from engram.loihi.backend import law_parameters
from engram.loihi.spiking import CALL_SECONDS, SpikingAssociations

__all__ = ["NengoAssociations"]


class NengoAssociations(SpikingAssociations):
    """The recall network as cores of a Loihi 1, each checked against the chip's limits.

    That chip has no graded spikes, so embeddings are encoded by NumPy in the worker, and a payload
    above 1 is spread over an axon for each of its bits. Learning rewrites synapses from outside,
    as a host does, and the cores are built again before the next race.
    """

    package = "nengo_loihi"
    batch = 1  # a race over hundreds of cores takes seconds

    def __init__(
        self,
        association: Association,
        seed: int,
        width: int,
        *,
        threads: int | None = None,
        seconds: float = 4 * CALL_SECONDS,
    ) -> None:
        opening = {"kind": "nengo", "parameters": law_parameters(association, width)}
        super().__init__(
            association, seed, width, threads=threads, opening=opening, seconds=seconds
        )
