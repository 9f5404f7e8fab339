"""What the tests of the associations share: a small law, and embeddings drawn from a seed."""

import numpy as np

import engram

LAW = engram.Association(
    neurons=512, sources=8, winners=40, spikes=96, candidates=16, ramp=2, levels=1
)
WIDTH = 48


def embeddings(count: int, seed: int = 0, width: int = WIDTH) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, width))


def noisy(rows: np.ndarray, share: float, seed: int = 1) -> np.ndarray:
    """Add noise whose norm is a share of the row's."""
    noise = np.random.default_rng(seed).standard_normal(rows.shape)
    noise *= share * np.linalg.norm(rows, axis=-1, keepdims=True)
    return rows + noise / np.linalg.norm(noise, axis=-1, keepdims=True)


def names(count: int) -> list[str]:
    return [f"p{i}" for i in range(count)]


def state(memory: engram.Memory) -> dict[str, tuple]:
    """Return all that is durable, synapse by synapse."""
    facet = memory.associations
    if not len(facet):
        return {}
    facet.recall(embeddings(1, width=facet.width)[0])  # the backend is there from here on
    found = {}
    for name in facet:
        pattern = facet.get(name)
        slot = facet._patterns.slot(name)
        neurons, permanences = facet._backend.synapses(slot)
        found[name] = (
            slot,
            facet._backend.vector(slot).tolist(),
            neurons.tolist(),
            permanences.tolist(),
            pattern.importance,
            pattern.strength,
            pattern.metadata,
        )
    return found
