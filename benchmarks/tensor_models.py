"""Two small models, trained on the spot: characters of Python's documentation, and digits."""

import importlib.util
import logging
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pydoc_data.topics import topics

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

__all__ = ["Model", "character_model", "digit_model"]

logger = logging.getLogger(__name__)

WIDTH, HEADS, CONTEXT = 128, 4, 64
BATCH, STEPS, RATE = 16, 900, 2e-3
VALIDATED = 0.1  # of the text, from its end
VALIDATION_BATCHES = 48
DIGIT_LAYERS = (64, 512, 256, 10)
DIGIT_EPOCHS = 40
MADE_SHIFT, MADE_NOISE, MADE_SIZE = 1, 0.35, 1800


@dataclass(frozen=True)
class Model:
    """A trained model, what it was trained on, and how good it is: loss falls, accuracy rises.

    Attributes:
        of: the data, in words.
        measure: the figure on data that training did not see.
    """

    name: str
    of: str
    module: nn.Module
    measured: str
    measure: Callable[[], float]


class _Block(nn.Module):
    """Attention to what was before, then two layers, each added to what came in."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.mixed = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.joined = nn.Linear(WIDTH, WIDTH, bias=False)
        self.wide, self.narrow = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, state: torch.Tensor) -> torch.Tensor:
        batch, length, _ = state.shape
        parts = self.mixed(self.first(state)).view(batch, length, 3, HEADS, -1)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(queries, keys, values, is_causal=True)
        state = state + self.joined(seen.transpose(1, 2).reshape(batch, length, WIDTH))
        return state + self.narrow(functional.gelu(self.wide(self.second(state))))


class _Characters(nn.Module):
    """A transformer of two blocks over characters."""

    def __init__(self, characters: int) -> None:
        super().__init__()
        self.embedded, self.placed = nn.Embedding(characters, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.Sequential(_Block(), _Block(), nn.LayerNorm(WIDTH))
        self.spoken = nn.Linear(WIDTH, characters, bias=False)

    def forward(self, text: torch.Tensor) -> torch.Tensor:
        return self.spoken(self.blocks(self.embedded(text) + self.placed.weight))


def character_model(steps: int = STEPS) -> Model:
    """Return a language model of Python's own documentation topics."""
    torch.manual_seed(0)
    text = "".join(topics[name] for name in sorted(topics))
    characters = sorted(set(text))
    places = {character: i for i, character in enumerate(characters)}
    codes = torch.tensor([places[character] for character in text])
    split = int(len(codes) * (1 - VALIDATED))
    model = _Characters(len(characters))
    optimiser = torch.optim.AdamW(model.parameters(), RATE, betas=(0.9, 0.98), weight_decay=0.05)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, steps, pct_start=0.1)
    chance = torch.Generator().manual_seed(1)
    for step in range(steps):
        loss = _loss(model, _batch(codes[:split], chance))
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        plan.step()
        if step % 100 == 0:
            logger.info("step %d: loss %.3f", step, loss.item())
    held = torch.Generator().manual_seed(2)
    checks = [_batch(codes[split:], held) for _ in range(VALIDATION_BATCHES)]

    def validation_loss() -> float:
        with torch.no_grad():
            return float(np.mean([_loss(model, batch).item() for batch in checks]))

    return Model(
        "character LM",
        f"{len(text):,} characters of `pydoc_data.topics`, {VALIDATED:.0%} held out",
        model,
        "loss",
        validation_loss,
    )


def _batch(codes: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
    starts = torch.randint(len(codes) - CONTEXT - 1, (BATCH,), generator=chance)
    return codes[starts[:, None] + torch.arange(CONTEXT + 1)]


def _loss(model: nn.Module, batch: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())


def digit_model(epochs: int = DIGIT_EPOCHS) -> Model:
    """Return a classifier of handwritten digits, or of made ones where scikit-learn is not."""
    torch.manual_seed(0)
    name, images, labels = _digits()
    order = np.random.default_rng(3).permutation(len(labels))
    x = torch.from_numpy(images[order])
    y = torch.from_numpy(labels[order])
    split = len(y) * 4 // 5
    layers: list[nn.Module] = []
    for inside, outside in pairwise(DIGIT_LAYERS):
        layers += [nn.Linear(inside, outside), nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    optimiser = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=0.01)
    chance = torch.Generator().manual_seed(4)
    for _ in range(epochs):
        for part in torch.randperm(split, generator=chance).split(64):
            optimiser.zero_grad()
            functional.cross_entropy(model(x[part]), y[part]).backward()
            optimiser.step()

    def accuracy() -> float:
        with torch.no_grad():
            return float((model(x[split:]).argmax(1) == y[split:]).float().mean())

    of = f"{len(y):,} {name} of 8 x 8, a fifth held out"
    return Model("digits MLP", of, model, "accuracy", accuracy)


def _digits() -> tuple[str, NDArray[np.float32], NDArray[np.int64]]:
    if importlib.util.find_spec("sklearn"):
        from sklearn.datasets import load_digits

        found = load_digits()
        return (
            "digits of scikit-learn",
            (found.data / 16).astype(np.float32),
            found.target.astype(np.int64),
        )
    # Ten random pictures, moved by up to a dot, under noise.
    chance = np.random.default_rng(5)
    pictures = chance.random((10, 8, 8)) > 0.5
    labels = chance.integers(0, 10, MADE_SIZE)
    moved = np.stack(
        [
            np.roll(pictures[label], chance.integers(-MADE_SHIFT, MADE_SHIFT + 1, 2), (0, 1))
            for label in labels
        ]
    )
    images = moved + MADE_NOISE * chance.standard_normal(moved.shape)
    return "made pictures", images.reshape(-1, 64).astype(np.float32), labels.astype(np.int64)
