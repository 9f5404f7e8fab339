"""Seeded blocks against plain rounding at four bits a number, and at every other size they have."""

import importlib.util
import json
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from benchmarks.association_sentences import PACKAGE
from benchmarks.harness import Figure, interleaved, show, write
from benchmarks.trained_text import TextModel, train
from engram.arch.payloads.seeded import SeededForm
from engram.arch.tensors import TILE_ELEMENTS, type_by_name
from engram.codecs import seeded_blocks
from engram.codecs.catalogue import codec
from engram.codecs.codec import Budget, Geometry
from engram.codecs.seeded import FORMS
from engram.cpu.library import library

__all__ = ["seeded_figures"]

Floats = NDArray[np.float32]

_GROUP = 128
_FOUR_BITS = SeededForm(8, 4)
_ROUNDED_BITS = 4 + 16 / _GROUP  # with a scale of 16 bits
_SAMPLE = 1 << 18  # numbers of each tensor of the sentence model
_PEER = "rounded to int4, groups of 128"


def rounded(numbers: Floats, levels: int = 7) -> Floats:
    """Return each 128 numbers rounded to multiples of a 16-bit scale that spans the largest."""
    whole = -(-numbers.size // _GROUP) * _GROUP
    groups = np.pad(numbers.reshape(-1), (0, whole - numbers.size)).reshape(-1, _GROUP)
    scales = (np.abs(groups).max(1, keepdims=True) / levels).astype(np.float16).astype(np.float32)
    steps = np.clip(np.rint(groups / np.where(scales == 0, 1, scales)), -levels - 1, levels)
    made: Floats = (steps * scales).reshape(-1)[: numbers.size].reshape(numbers.shape)
    return made


def regrown(name: str, numbers: Floats, budget: int) -> tuple[Floats, int]:
    """Return what a codec makes of numbers within so many bytes, and how many it took."""
    geometry = Geometry(numbers.shape, type_by_name("float32"))
    payload = codec(name).encode(numbers, geometry, Budget(bytes=budget))
    assert payload is not None
    out = np.empty(numbers.size, np.float32)
    codec(name).decode(memoryview(payload), geometry, 0, numbers.size, out)
    return out.reshape(numbers.shape), len(payload)


def relative(made: Floats, numbers: Floats) -> float:
    """Return the relative error in Frobenius norms."""
    return float(np.linalg.norm((made - numbers).ravel()) / np.linalg.norm(numbers.ravel()))


def sentence_weights() -> Iterator[tuple[str, Floats]]:
    """Yield parts of some weights of all-MiniLM-L6-v2, if its package is installed."""
    spec = importlib.util.find_spec(PACKAGE.replace("-", "_"))
    if spec is None or spec.origin is None:
        return
    content = (Path(spec.origin).parent / "model" / "model.safetensors").read_bytes()
    (length,) = struct.unpack_from("<Q", content)
    tensors = json.loads(content[8 : 8 + length])
    for layer, part in (
        (0, "attention.self.query"),
        (2, "attention.output.dense"),
        (3, "intermediate.dense"),
        (5, "output.dense"),
    ):
        first, _ = tensors[f"encoder.layer.{layer}.{part}.weight"]["data_offsets"]
        shape = tensors[f"encoder.layer.{layer}.{part}.weight"]["shape"]
        count = min(_SAMPLE, shape[0] * shape[1])
        yield f"MiniLM {layer} {part}", np.frombuffer(content, "<f4", count, 8 + length + first)


def seeded_figures() -> list[Figure]:
    """Return all figures."""
    chance = np.random.default_rng(3)
    model = train()
    cases = [
        ("Gaussian", chance.standard_normal(_SAMPLE).astype(np.float32)),
        ("Laplace", chance.laplace(size=_SAMPLE).astype(np.float32)),
        *((f"text net, {name}", w) for name, w in model.weights.items() if name != "embedding"),
        *sentence_weights(),
    ]
    figures = [_against_rounding(name, numbers) for name, numbers in cases]
    figures += [_loss(model, form) for form in FORMS]
    figures += [_beside_grouped(form, model.weights["second"]) for form in FORMS]
    return [*figures, *_speed(cases[0][1])]


def _against_rounding(name: str, numbers: Floats) -> Figure:
    made, size = regrown("seeded", numbers, _FOUR_BITS.size(numbers.size))
    error, peer = relative(made, numbers), relative(rounded(numbers), numbers)
    bits = 8 * size / numbers.size
    return Figure(
        f"{name}: relative error at {bits:.3f} bits", error, "", _PEER, peer, peer / error,
        goal="> 1", met=error < peer,
        note=f"all headers and scales counted; the peer takes {_ROUNDED_BITS:.3f} bits",
    )  # fmt: skip


def _loss(model: TextModel, form: SeededForm) -> Figure:
    """Return how much worse the text net is with regrown matrices."""
    before = model.loss()
    changed = {
        name: regrown("seeded", w, form.size(w.size))[0]
        for name, w in model.weights.items()
        if name != "embedding"
    }
    after = model.loss(changed)
    coarse = {name: rounded(model.weights[name]) for name in changed}
    is_four = form == _FOUR_BITS
    return Figure(
        f"text net: loss added, {_bits(form)} bits", 100 * (after / before - 1), "%",
        _PEER if is_four else "", 100 * (model.loss(coarse) / before - 1) if is_four else None,
        note=f"of {before:.3f} nats a character; without any data, nothing trained again",
    )  # fmt: skip


def _beside_grouped(form: SeededForm, numbers: Floats) -> Figure:
    """Return the error beside that of the best grouped integers in the same bytes."""
    size = form.size(numbers.size)
    error = relative(regrown("seeded", numbers, size)[0], numbers)
    geometry = Geometry(numbers.shape, type_by_name("float32"))
    if codec("grouped").encode(numbers, geometry, Budget(bytes=size)) is None:
        return Figure(f"text net, second: relative error, {_bits(form)} bits", error, "")
    peer = relative(regrown("grouped", numbers, size)[0], numbers)
    return Figure(
        f"text net, second: relative error, {_bits(form)} bits", error, "",
        "grouped codec within the same bytes", peer, peer / error,
    )  # fmt: skip


def _bits(form: SeededForm) -> str:
    return f"{8 * form.size(TILE_ELEMENTS) / TILE_ELEMENTS:.2f}"


def _speed(numbers: Floats) -> list[Figure]:
    library("tensors")
    piece = numbers[:TILE_ELEMENTS]
    geometry = Geometry(piece.shape, type_by_name("float32"))
    four, grouped = (
        codec(name).encode(piece, geometry, Budget(bytes=_FOUR_BITS.size(piece.size)))
        for name in ("seeded", "grouped")
    )
    assert four is not None
    assert grouped is not None
    out = np.empty(piece.size, np.float32)

    def decode(name: str, payload: bytes) -> None:
        codec(name).decode(memoryview(payload), geometry, 0, piece.size, out)

    def decode_by_numpy() -> None:
        with patch.object(seeded_blocks, "library_if_ready", lambda group: None):
            decode("seeded", four)

    times = interleaved(
        41,
        kernel=lambda: decode("seeded", four),
        numpy=decode_by_numpy,
        grouped=lambda: decode("grouped", grouped),
    )
    figures = [
        Figure(
            "decoding a tile of 65,536 float32, 4.06 bits", 1e6 * times["kernel"], "us",
            peer, 1e6 * times[key], times[key] / times["kernel"],
        )
        for key, peer in (("numpy", "the same in NumPy"), ("grouped", "grouped codec, as large"))
    ]  # fmt: skip
    geometry = Geometry(numbers.shape, geometry.kind)
    for form in (FORMS[2], _FOUR_BITS, FORMS[-1]):
        started = time.thread_time()
        assert codec("seeded").encode(numbers, geometry, Budget(bytes=form.size(numbers.size)))
        taken = (time.thread_time() - started) / numbers.size * 1e6
        figures.append(
            Figure(
                f"encoding a million numbers at {_bits(form)} bits", taken, "s",
                note="one core's time, all 65,536 seeds; with the choice among the sizes",
            )
        )  # fmt: skip
    return figures


def main() -> None:
    """Measure, print, and write JSON and the documentation's table."""
    figures = seeded_figures()
    show(figures)
    write("tensor_seeded", figures)


if __name__ == "__main__":
    main()
