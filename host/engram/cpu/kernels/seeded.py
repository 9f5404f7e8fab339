"""Seeded blocks: groups regrown, and the search of the seeds and coefficients that fit best."""

from typing import Any

import numpy as np
from numba import carray

from engram.arch.payloads.seeded import BLOCKS, COEFFICIENTS, SEEDS
from engram.cpu.kernels.bases import BATCH_NUMBERS, regrow_of, search_of
from engram.cpu.kernels.feistel import BLOCK, FEISTEL6, gathers_of
from engram.cpu.kernels.intrinsics import (
    float32s_at,
    load,
    load8,
    uint16s_at,
    uint32s_at,
    words_at,
)
from engram.cpu.kernels.kernel import function, kernel
from engram.cpu.layout import LawBlock

__all__: list[str] = []

F32 = np.float32
I64 = np.int64
U32 = np.uint32
U64 = np.uint64

_BLOCKS = U64(BLOCKS)
_SEEDS = U64(SEEDS)
_LEAST, _MOST = F32(COEFFICIENTS[0]), F32(COEFFICIENTS[1])
_HALF_UP = F32(0.5 - COEFFICIENTS[0])
_NEVER = F32(np.inf)
_ZERO = F32(0)
_ONE = F32(1)

# Candidates, those of most energy, with which a group's scale is chosen, and how the search of the
# scale narrows down: half an octave, a quarter, an eighth.
_TRIED = 16
_FIRST_STRIDE = 4
_LAST_CODE = 255
_TOGETHER = U64(8)  # groups whose words are drawn together: at most _MOST_WORDS
_MOST_WORDS = 512

_regrow8, _regrow16 = regrow_of(8), regrow_of(16)
_words = gathers_of(FEISTEL6)
_search8, _search16 = search_of(8), search_of(16)


@kernel()
def regrow_seeded(seeds, coefficients, scales, groups, block, columns, words, values, law, out):
    """Store the float32s of so many groups at ``out``.

    ``seeds``, ``coefficients``, ``scales``: where the first group's are. ``words``: of the law, in
    a basis. ``values``: 256 words, the bits of the float32 that each byte of a scale means.
    ``law``: block of law 1, and behind it room for 1024 words.
    """
    addresses = law + U64(8 * LawBlock.SIZE)
    made = addresses + U64(8 * _MOST_WORDS)
    address = carray(words_at(addresses), U64(_MOST_WORDS))
    size = U64(4) * _BLOCKS * block
    own_words = _BLOCKS * words
    done = U64(0)
    while done < groups:
        # The words of many groups at once, so that their rounds need not wait for each other.
        some = min(_TOGETHER, groups - done)
        own = carray(uint16s_at(seeds + U64(2) * _BLOCKS * done), _BLOCKS * some)
        for group in range(some):
            for k in range(words):
                first, above = U64(group) * own_words + U64(k) * _BLOCKS, U64(k) * _SEEDS
                for i in range(_BLOCKS):
                    address[first + U64(i)] = U64(own[U64(group) * _BLOCKS + U64(i)]) + above
        for lot in range((some * own_words + U64(BLOCK - 1)) // U64(BLOCK)):
            offset = U64(8 * BLOCK) * U64(lot)
            _words(addresses + offset, made + offset, law)
        for group in range(some):
            at = done + U64(group)
            scale = load(values + U64(8) * load8(scales + at))
            these, target = coefficients + U64(8) * columns * at, out + size * at
            drawn = made + U64(8) * U64(group) * own_words
            if block == U64(8):
                _regrow8(drawn, these, columns, scale, target)
            else:
                _regrow16(drawn, these, columns, scale, target)
        done += some
    return groups


@kernel()
def search_seeds(bases, stride, block, columns, run, runs, numbers, batches, energies, seeds):
    """Store, of each run of bases and each block, the most energy and the seed that has it.

    ``numbers``: batches of 256 float32s, see ``search_of``. ``energies``, ``seeds``: float32s and
    uint32s, (runs, blocks).
    """
    lanes = U64(BATCH_NUMBERS) // block
    for turn in range(runs):  # outermost, so that a run of bases stays in the second-level cache
        first = U64(turn) * run
        these = bases + first * stride
        for batch in range(batches):
            where = numbers + U64(4 * BATCH_NUMBERS) * U64(batch)
            place = U64(4) * lanes * (U64(turn) * batches + U64(batch))
            energy, seed = energies + place, seeds + place
            if block == U64(8):
                _search8(these, stride, columns, run, first, where, energy, seed)
            else:
                _search16(these, stride, columns, run, first, where, energy, seed)
    return batches


@function
def _fitted(shares, at, triangle, corner, widest, columns, base, scale, enough, coefficients, to):
    """Round coefficients one by one, the last first; return the error, or infinity if too large.

    Each takes up what those before it left in its own direction, which an orthonormal basis and
    the triangle that makes the real one out of it tell (Babai's nearest plane).
    """
    error = base
    inverse = _ONE / scale
    square = scale * scale
    for p in range(columns - I64(1), I64(-1), I64(-1)):
        rest = shares[at + p] * inverse
        row = corner + p * widest
        for q in range(p + I64(1), columns):
            rest -= triangle[row + q] * coefficients[to + q]
        own = triangle[row + p]
        wanted = min(max(rest / own, _LEAST), _MOST)
        # Truncation rounds what is not negative down.
        nearest = F32(I64(wanted + _HALF_UP)) + _LEAST
        coefficients[to + p] = nearest
        rest -= own * nearest
        error += rest * rest * square
        if error >= enough:
            return _NEVER
    return error


@function
def _to_front(energies, seeds, start, count, front):
    """Bring the candidates of most energy to the front, in order."""
    for i in range(min(front, count)):
        most = start + i
        for j in range(start + i + I64(1), start + count):
            if energies[j] > energies[most]:
                most = j
        here = start + i
        energies[here], energies[most] = energies[most], energies[here]
        seeds[here], seeds[most] = seeds[most], seeds[here]


@function
def _fit_block(shares, rests, corners, seed, member, place, count, tried, wide, high, scale, kept):
    """Fit a block with its first candidates: keep the coefficients, return the error and which."""
    best = _NEVER
    chosen: Any = I64(0)
    trial = place * high + I64(kept.size) // I64(2)
    for j in range(tried):
        at = member * count + j
        if rests[at] < best:
            corner = I64(seed[place * count + j]) * wide * wide
            error = _fitted(
                shares, at * high, corners, corner, wide, high, rests[at], scale, best, kept, trial
            )
            if error < best:
                best, chosen = error, j
                for p in range(high):
                    kept[place * high + p] = kept[trial + p]
    return best, chosen


@function
def _group_error(shares, rests, corners, seed, first, count, wide, high, scale, kept):
    error = _ZERO
    for member in range(I64(BLOCKS)):
        tried = min(count, I64(_TRIED))
        error += _fit_block(
            shares, rests, corners, seed, member, first + member, count, tried, wide, high, scale,
            kept,
        )[0]  # fmt: skip
    return error


@function
def _project(bases, source, seed, shares, rests, member, place, count, wide, width, high):
    """Store a block's shares in the columns of its candidates, and what square is left of it."""
    square = _ZERO
    for i in range(width):
        square += source[place * width + i] * source[place * width + i]
    for j in range(count):
        at = member * count + j
        basis = I64(seed[place * count + j]) * wide * width
        rest = square
        for p in range(high):
            share = _ZERO
            for i in range(width):
                share += bases[basis + p * width + i] * source[place * width + i]
            shares[at * high + p] = share
            rest -= share * share
        rests[at] = max(_ZERO, rest)


@function
def _best_code(code, shares, rests, corners, seed, first, count, wide, high, value, kept):
    """Return the scale of least error that is found by going up or down as long as that helps."""
    least = _group_error(shares, rests, corners, seed, first, count, wide, high, value[code], kept)
    stride = I64(_FIRST_STRIDE)
    while stride > I64(0):
        way = stride
        turned = False
        while True:
            other = code + way
            error = _NEVER
            if I64(0) <= other and other <= I64(_LAST_CODE):
                error = _group_error(
                    shares, rests, corners, seed, first, count, wide, high, value[other], kept
                )
            if error < least:
                least, code = error, other
                turned = True  # the other way was worse, or is where this came from
            elif turned:
                break
            else:
                way = -way
                turned = True
        stride //= I64(2)
    return code


@kernel()
def fit_groups(
    bases,
    triangles,
    widest,
    block,
    columns,
    numbers,
    groups,
    energies,
    seeds,
    candidates,
    values,
    scratch,
    codes,
    coefficients,
):
    """Choose each group's scale, and each block's seed and coefficients.

    ``bases``, ``triangles``: of each seed ``widest`` orthonormal columns of ``block`` float32s and
    a triangle of ``widest`` rows. ``numbers``: float32s, blocks in order. ``energies``, ``seeds``:
    (blocks, candidates); each block's chosen seed becomes its first. ``values``: 256 float32s, of
    each code of a scale. ``scratch``: 16 * candidates * (columns + 1) float32s. ``codes``:
    uint32s, first guesses, become the choices. ``coefficients``: float32s, (blocks, columns), and
    as many more for trials.
    """
    width, count, high, wide = I64(block), I64(candidates), I64(columns), I64(widest)
    members = I64(BLOCKS)
    blocks = I64(groups) * members
    table = carray(float32s_at(bases), I64(SEEDS) * wide * width)
    corners = carray(float32s_at(triangles), I64(SEEDS) * wide * wide)
    source = carray(float32s_at(numbers), blocks * width)
    energy = carray(float32s_at(energies), blocks * count)
    seed = carray(uint32s_at(seeds), blocks * count)
    value = carray(float32s_at(values), I64(256))
    shares = carray(float32s_at(scratch), members * count * high)
    rests = carray(float32s_at(scratch + U64(4) * _BLOCKS * candidates * columns), members * count)
    code = carray(uint32s_at(codes), I64(groups))
    kept = carray(float32s_at(coefficients), I64(2) * blocks * high)
    for group in range(I64(groups)):
        first = group * members
        for member in range(members):
            place = first + member
            _to_front(energy, seed, place * count, count, I64(_TRIED))
            _project(table, source, seed, shares, rests, member, place, count, wide, width, high)
        best = _best_code(
            I64(code[group]), shares, rests, corners, seed, first, count, wide, high, value, kept
        )
        code[group] = U32(best)
        for member in range(members):
            place = first + member
            chosen = _fit_block(
                shares, rests, corners, seed, member, place, count, count, wide, high, value[best],
                kept,
            )[1]  # fmt: skip
            seed[place * count] = seed[place * count + chosen]
    return groups
