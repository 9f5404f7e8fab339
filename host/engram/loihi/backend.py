"""Associations on Lava processes: the devices ``loihi`` and ``loihi-network``."""

from typing import Any

from engram.arch.associations import Association
from engram.loihi.spiking import CALL_SECONDS, SpikingAssociations

__all__ = ["LoihiAssociations", "LoihiNetworkAssociations", "law_parameters"]

_MODELS = {"fixed_pt": 256, "network": 16}  # and how many cues a call takes


def law_parameters(association: Association, width: int) -> dict[str, Any]:
    """Return what a worker's memory has to know of the law, besides the projection."""
    names = ("neurons", "winners", "spikes", "signed", "levels", "ramp")
    return {name: getattr(association, name) for name in names} | {"width": width}


class LoihiAssociations(SpikingAssociations):
    """The law as Lava processes; ``models`` says which of their models run.

    ``fixed_pt``: event-driven models of our own, fast. ``network``: Lava's own Sparse and LIF
    processes, as they would be compiled for the chip, simulated step by step.
    """

    def __init__(
        self,
        association: Association,
        seed: int,
        width: int,
        *,
        threads: int | None = None,
        models: str = "fixed_pt",
        seconds: float = CALL_SECONDS,
    ) -> None:
        if models not in _MODELS:
            raise ValueError(f"models must be one of {', '.join(_MODELS)}, not {models!r}")
        self.models = models
        self.batch = _MODELS[models]
        parameters = law_parameters(association, width) | {"models": models}
        opening = {"kind": "lava", "parameters": parameters}
        super().__init__(
            association, seed, width, threads=threads, opening=opening, seconds=seconds
        )


class LoihiNetworkAssociations(LoihiAssociations):
    """The same with the models of ``network``."""

    def __init__(
        self,
        association: Association,
        seed: int,
        width: int,
        *,
        threads: int | None = None,
        models: str = "network",
        seconds: float = CALL_SECONDS,
    ) -> None:
        super().__init__(association, seed, width, threads=threads, models=models, seconds=seconds)
