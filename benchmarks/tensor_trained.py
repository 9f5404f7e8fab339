"""Trained weights: loss and accuracy of two models after each codec at each ratio."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.harness import Figure
from benchmarks.tables import Section, Table
from benchmarks.tensor_data import AUTO, Coded, coded
from benchmarks.tensor_models import Model, character_model, digit_model
from benchmarks.tensor_seeded import rounded
from engram.arch.payloads.seeded import SeededForm
from engram.codecs.catalogue import codec, names
from engram.tensors.descriptors import overhead

__all__ = ["RATIOS", "trained"]

logger = logging.getLogger(__name__)

Weights = Mapping[str, NDArray[np.float32]]

RATIOS = (1 / 3.8, 1 / 7, 1 / 7.5, 1 / 9.8, 1 / 14)
LM_GOAL = 1 / 7.5, 0.01  # of the loss more
DIGITS_GOAL = 1 / 9.8, 0.01  # of the digits fewer
FOUR_BITS = SeededForm(8, 4)
ROUNDED_BITS = 4 + 16 / 128  # with a scale of 16 bits for 128 numbers


def trained() -> Section:
    """Train both models, and measure them with their matrices out of each codec."""
    with threadpool_limits(1):
        torch.set_num_threads(1)
        return _trained()


def _trained() -> Section:
    tables = [Table("trained", ("model", "codec", *(f"1/{1 / ratio:g}" for ratio in RATIOS)))]
    tables.append(Table("trained_errors", tables[0].columns))
    tables.append(
        Table("four_bits", ("model", "method", "bits a number", "relative error", "measured"))
    )
    figures: list[Figure] = []
    for model in (digit_model(), character_model()):
        run = _Run(model)
        run.fill(tables[0], tables[1])
        figures += run.four_bits(tables[2])
        figures.append(run.goal())
    tables[0].note(
        "Ratios are of whole models: every descriptor with its headers and MAC is counted, and "
        "vectors (biases, norms), which are kept exactly. Nothing was trained again, no data used."
    )
    tables[1].note("Relative errors of all matrices together, in Frobenius norms.")
    tables[2].note(
        "Plain rounding is to the nearest of 16 steps, with one 16-bit scale for 128 numbers; "
        "the codecs' bits count all of their payloads."
    )
    return Section(tables, figures)


@dataclass(frozen=True)
class _Fitted:
    """What a model became: its measure, and the matrices' error and bytes of the whole."""

    measure: float
    error: float
    ratio: float
    codecs: str


class _Run:
    """One model, and what came of it."""

    def __init__(self, model: Model) -> None:
        self._model = model
        state = model.module.state_dict()
        self._weights: Weights = {name: each.numpy().copy() for name, each in state.items()}
        self._matrices = [name for name, each in self._weights.items() if each.ndim > 1]
        self._dense = model.measure()
        self._best: dict[float, _Fitted] = {}

    def fill(self, measures: Table, errors: Table) -> None:
        """Add the model's rows."""
        model = self._model
        measures.add(model.name, f"(none: {model.measured})", *(self._dense for _ in RATIOS))
        for name in [each for each in names() if not codec(each).lossless] + [AUTO]:
            found = [self._fitted(name, ratio) for ratio in RATIOS]
            logger.info("%s: %s", model.name, name)
            measures.add(model.name, name, *(each and each.measure for each in found))
            errors.add(model.name, name, *(each and each.error for each in found))
            if name == AUTO:
                self._best = dict(zip(RATIOS, found, strict=True))
                measures.add(model.name, "which is", *(each and each.codecs for each in found))
        measures.note(
            f"{model.name}: {sum(each.size for each in self._weights.values()):,} parameters, "
            f"{model.of}; {model.measured} {self._dense:.4f} as trained."
        )

    def _fitted(self, name: str, ratio: float) -> _Fitted | None:
        """Return what comes of a codec within a ratio of the whole model."""
        weights = self._weights
        most = ratio * sum(each.nbytes for each in weights.values())
        vectors = [each for name, each in weights.items() if name not in self._matrices]
        most -= sum(each.nbytes + overhead("vector", each.ndim) for each in vectors)
        share = most / sum(weights[each].nbytes for each in self._matrices)
        # Headers are the same for all, so small matrices get more than their part for them.
        beside = overhead("matrix", 2)
        share -= beside * len(self._matrices) / sum(weights[m].nbytes for m in self._matrices)
        made = {}
        for matrix in self._matrices:
            values = weights[matrix]
            found = coded(name, values, share + beside / values.nbytes)
            if found is None:
                return None
            made[matrix] = found
        stored = sum(each.stored_bytes for each in made.values())
        stored += sum(each.nbytes + overhead("vector", each.ndim) for each in vectors)
        regrown = {matrix: each.regrown() for matrix, each in made.items()}
        ratio = stored / sum(each.nbytes for each in weights.values())
        return _Fitted(
            self._measured(regrown), self._error(regrown), ratio, _most_common(made.values())
        )

    def _measured(self, regrown: Weights) -> float:
        """Return the model's figure with these matrices, and put its own back."""
        self._load({**self._weights, **regrown})
        try:
            return self._model.measure()
        finally:
            self._load(self._weights)

    def _load(self, weights: Weights) -> None:
        self._model.module.load_state_dict(
            {name: torch.from_numpy(np.array(each)) for name, each in weights.items()}
        )

    def _error(self, regrown: Weights) -> float:
        noise = signal = 0.0
        for matrix, each in regrown.items():
            exact = self._weights[matrix].astype(np.float64)
            noise += float(np.square(exact - each).sum())
            signal += float(np.square(exact).sum())
        return (noise / signal) ** 0.5

    def four_bits(self, table: Table) -> list[Figure]:
        """Add seeded blocks at 4 bits a number beside plain rounding, and the codecs like it."""
        methods: dict[str, Callable[[NDArray[np.float32]], tuple[NDArray[np.float32], float]]] = {
            "plain int4, groups of 128": _rounded,
            "seeded": lambda values: _within(values, "seeded"),
            "grouped": lambda values: _within(values, "grouped"),
            "stepped": lambda values: _within(values, "stepped"),
        }
        errors = []
        for method, work in methods.items():
            made = {matrix: work(self._weights[matrix]) for matrix in self._matrices}
            regrown = {matrix: each for matrix, (each, _) in made.items()}
            numbers = sum(each.size for each in regrown.values())
            bits = sum(bits for _, bits in made.values()) / numbers
            errors.append(self._error(regrown))
            table.add(self._model.name, method, bits, errors[-1], self._measured(regrown))
        plain, seeded = errors[:2]
        return [
            Figure(
                f"{self._model.name}, seeded blocks at 4 bits",
                seeded,
                "relative error",
                next(iter(methods)),
                plain,
                plain / seeded,
                "less",
                seeded < plain,
            )
        ]

    def goal(self) -> Figure:
        """Return the figure to reach with the best codec."""
        accuracy = self._model.measured == "accuracy"
        ratio, worse = DIGITS_GOAL if accuracy else LM_GOAL
        found = self._best[ratio]
        lost = self._dense - found.measure if accuracy else found.measure / self._dense - 1
        return Figure(
            f"{self._model.name}, auto at 1/{1 / ratio:g} of the whole model",
            found.measure,
            self._model.measured,
            "dense",
            self._dense,
            None,
            "≤ 1 point lost" if accuracy else f"≤ {worse:+.0%}",
            lost <= worse,
            f"{found.codecs}; stored ratio {found.ratio:.4f}",
        )


def _most_common(made: Iterable[Coded]) -> str:
    """Return the names of the codecs that won, the most frequent first."""
    won = [each.codec for each in made]
    return ", ".join(sorted(set(won), key=lambda name: -won.count(name)))


def _rounded(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """Return a matrix rounded to the nearest in groups, and the bits it takes."""
    return rounded(values), ROUNDED_BITS * values.size


def _within(values: NDArray[np.float32], name: str) -> tuple[NDArray[np.float32], float]:
    """Return a matrix out of a codec that has the bytes of seeded blocks at 4 bits a number."""
    room = FOUR_BITS.size(values.size) + overhead("weights", 2)
    found = coded(name, values, room / values.nbytes)
    if found is None:
        raise RuntimeError(f"{name} must take {room} bytes for {values.shape}")
    return found.regrown(), 8 * len(found.payload)
