"""A small net trained on the spot, in NumPy: the next character of this project's own pages."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import ROOT

__all__ = ["TextModel", "train"]

Floats = NDArray[np.float32]

_CONTEXT, _EMBEDDED, _HIDDEN = 10, 24, 384
_BATCH, _STEPS, _RATE = 256, 1500, 2e-3
_HELD_OUT = 10  # every so manieth piece of text is for validation
_PIECE = 500  # characters


@dataclass
class TextModel:
    """Two hidden layers over the embedded last characters.

    Attributes:
        weights: by name; ``embedding``, ``first``, ``second`` and ``last`` are matrices.
        contexts, targets: what the net is validated on.
    """

    weights: dict[str, Floats]
    contexts: NDArray[np.int64]
    targets: NDArray[np.int64]

    def loss(self, weights: dict[str, Floats] | None = None) -> float:
        """Return nats a character on the held-out text, with other weights if there are any."""
        chosen = self.weights | (weights or {})
        losses = [
            _forward(chosen, self.contexts[i : i + 1024], self.targets[i : i + 1024])[0]
            for i in range(0, len(self.targets), 1024)
        ]
        return float(np.mean(losses))


def train(seed: int = 0) -> TextModel:
    """Return a trained net: about 250,000 weights, some twenty seconds."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    characters = sorted(set(text))
    codes = np.array([characters.index(c) for c in text])
    windows = np.lib.stride_tricks.sliding_window_view(codes, _CONTEXT + 1)
    held = np.arange(len(windows)) // _PIECE % _HELD_OUT == 0
    chance = np.random.default_rng(seed)
    shapes = {
        "embedding": (len(characters), _EMBEDDED),
        "first": (_CONTEXT * _EMBEDDED, _HIDDEN),
        "second": (_HIDDEN, _HIDDEN),
        "last": (_HIDDEN, len(characters)),
    }
    weights = {
        name: (chance.standard_normal(shape) / np.sqrt(shape[0])).astype(np.float32)
        for name, shape in shapes.items()
    }
    weights["embedding"] *= np.float32(np.sqrt(len(characters)))
    training = windows[~held]
    moments = {name: (np.zeros_like(w), np.zeros_like(w)) for name, w in weights.items()}
    for step in range(1, _STEPS + 1):
        rows = training[chance.integers(0, len(training), _BATCH)]
        _, gradients = _forward(weights, rows[:, :-1], rows[:, -1], learning=True)
        rate = _RATE * (1 - step / (_STEPS + 1))
        for name, gradient in gradients.items():  # Adam (Kingma and Ba, 2015)
            first, second = moments[name]
            first += 0.1 * (gradient - first)
            second += 0.001 * (gradient * gradient - second)
            size = np.sqrt(second / (1 - 0.999**step)) + 1e-8
            weights[name] -= (rate * first / (1 - 0.9**step) / size).astype(np.float32)
    checked = windows[held]
    return TextModel(weights, checked[:, :-1], checked[:, -1])


def _forward(
    weights: dict[str, Floats],
    contexts: NDArray[np.int64],
    targets: NDArray[np.int64],
    *,
    learning: bool = False,
) -> tuple[float, dict[str, Floats]]:
    """Return the loss, and of learning the gradients."""
    rows = np.arange(len(targets))
    inputs = weights["embedding"][contexts].reshape(len(targets), -1)
    one = np.maximum(inputs @ weights["first"], 0)
    two = np.maximum(one @ weights["second"], 0)
    scores = two @ weights["last"]
    scores -= scores.max(1, keepdims=True)
    shares = np.exp(scores)
    shares /= shares.sum(1, keepdims=True)
    loss = float(-np.log(shares[rows, targets] + 1e-30).mean())
    if not learning:
        return loss, {}
    error = shares
    error[rows, targets] -= 1
    error /= len(targets)
    back_two = error @ weights["last"].T * (two > 0)
    back_one = back_two @ weights["second"].T * (one > 0)
    back = (back_one @ weights["first"].T).reshape(*contexts.shape, -1)
    embedding = np.zeros_like(weights["embedding"])
    np.add.at(embedding, contexts, back)
    return loss, {
        "embedding": embedding,
        "first": inputs.T @ back_one,
        "second": one.T @ back_two,
        "last": two.T @ error,
    }
