"""Kernels of the codecs against PyTorch: ``python -m benchmarks.tensor_kernels``.

One thread each, every array allocated beforehand on both sides, medians of alternating calls.
"""

from collections.abc import Callable

import numpy as np
import torch

from benchmarks.harness import Figure, interleaved, show, write
from engram.arch.payloads.grouped import GroupedForm
from engram.arch.tensors import type_by_name
from engram.codecs.codec import Geometry
from engram.codecs.grouped import GroupedCodec, pack
from engram.cpu.library import library

__all__ = ["grouped_figures"]

SIDES = (1024, 4096)
GROUPS = (64, 128)
GOAL = 2.0


def grouped_figures() -> list[Figure]:
    """Measure the dequantisation of grouped integers of 4 and 8 bits to float32."""
    library("tensors")
    torch.set_num_threads(1)
    return [
        figure
        for side in SIDES
        for bits in (4, 8)
        for group in GROUPS
        for figure in _dequantise(side, bits, group)
    ]


def _dequantise(side: int, bits: int, group: int) -> list[Figure]:
    weights = np.random.default_rng(side).standard_normal((side, side)).astype(np.float32)
    geometry = Geometry(weights.shape, type_by_name("float32"))
    payload = memoryview(pack(weights, geometry, GroupedForm(bits, group, 1, False)))
    codec = GroupedCodec()
    out = np.empty(weights.size, np.float32)
    peers = {"unpack and scale": _four if bits == 4 else _eight}
    if bits == 8:
        peers["dequantize"] = _per_channel
    works: dict[str, Callable[[], object]] = {
        "engram": lambda: codec.decode(payload, geometry, 0, weights.size, out)
    }
    for name, make in peers.items():
        works[name] = make(weights, group)
        made = works[name]()
        assert isinstance(made, torch.Tensor)
        # The peer does the same work: what it gives back is as near to the weights.
        assert np.abs(made.numpy().reshape(weights.shape) - weights).mean() < 0.2
    taken = interleaved(9 if side > 2048 else 101, **works)
    own = weights.nbytes / taken["engram"] / 1e9
    figures = []
    for name in peers:
        peer = weights.nbytes / taken[name] / 1e9
        figures.append(
            Figure(
                f"int{bits} to float32, {side} x {side}, groups of {group}",
                own,
                "GB/s",
                f"torch {name}",
                peer,
                own / peer,
                f"at least {GOAL:g} times",
                own / peer >= GOAL,
                NOTES[bits, name],
            )
        )
    return figures


NOTES = {
    (4, "unpack and scale"): (
        "torch, two codes a byte: `bitwise_and` and `bitwise_right_shift` into two halves, `sub_` "
        "of 8, `mul` by the scales, all of them with `out=`; and the whole decode of a payload"
    ),
    (8, "unpack and scale"): "torch: one `mul` of int8 codes by float32 scales, with `out=`",
    (8, "dequantize"): (
        "torch: `dequantize` of a tensor quantised per channel, with a channel for each group; it "
        "allocates its result"
    ),
}


def _scales(weights: np.ndarray, group: int, most: int) -> tuple[torch.Tensor, torch.Tensor]:
    grouped = torch.from_numpy(weights.reshape(-1, group))
    scales = grouped.abs().amax(dim=1, keepdim=True) / most
    return grouped, scales


def _eight(weights: np.ndarray, group: int) -> Callable[[], torch.Tensor]:
    grouped, scales = _scales(weights, group, 127)
    codes = (grouped / scales).round().to(torch.int8)
    out = torch.empty_like(grouped)
    return lambda: torch.mul(codes, scales, out=out)


def _four(weights: np.ndarray, group: int) -> Callable[[], torch.Tensor]:
    grouped, scales = _scales(weights, group, 7)
    codes = ((grouped / scales).round() + 8).to(torch.uint8)
    half = group // 2
    packed = codes[:, :half] | codes[:, half:] << 4
    unpacked = torch.empty_like(codes)
    signed = unpacked.view(torch.int8)
    out = torch.empty_like(grouped)

    def work() -> torch.Tensor:
        torch.bitwise_and(packed, 15, out=unpacked[:, :half])
        torch.bitwise_right_shift(packed, 4, out=unpacked[:, half:])
        signed.sub_(8)
        return torch.mul(signed, scales, out=out)

    return work


def _per_channel(weights: np.ndarray, group: int) -> Callable[[], torch.Tensor]:
    grouped, scales = _scales(weights, group, 127)
    zeros = torch.zeros(len(grouped), dtype=torch.int64)
    codes = torch.quantize_per_channel(grouped, scales[:, 0], zeros, 0, torch.qint8)
    return codes.dequantize


def main() -> None:
    """Measure, print, and write JSON and the documentation's table."""
    figures = grouped_figures()
    show(figures)
    write("tensor_kernels", figures)


if __name__ == "__main__":
    main()
