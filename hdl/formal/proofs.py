"""The table of all proofs."""

from hdl.formal import arbiter, bursts, queues, register_bank, streams, words
from hdl.formal.runner import Proof

__all__ = ["PROOFS"]

PROOFS: list[Proof] = [
    *streams.PROOFS,
    *words.PROOFS,
    *queues.PROOFS,
    *register_bank.PROOFS,
    *bursts.PROOFS,
    *arbiter.PROOFS,
]
