"""The table of all proofs."""

from hdl.formal import (
    access,
    arbiter,
    bursts,
    queues,
    register_bank,
    ring,
    streams,
    tlb,
    window,
    words,
)
from hdl.formal.runner import Proof

__all__ = ["PROOFS"]

PROOFS: list[Proof] = [
    *streams.PROOFS,
    *words.PROOFS,
    *queues.PROOFS,
    *register_bank.PROOFS,
    *bursts.PROOFS,
    *access.PROOFS,
    *arbiter.PROOFS,
    *tlb.PROOFS,
    *ring.PROOFS,
    *window.PROOFS,
]
