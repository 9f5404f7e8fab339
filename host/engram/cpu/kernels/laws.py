"""Every law: one word, a range of words, the words of many addresses, and addresses from words."""

import numpy as np
from numba import carray

from engram.arch.laws import LAWS, MaskLaw, Mixer, ResidueLaw
from engram.cpu.kernels.feistel import (
    BLOCK,
    FEISTEL4,
    FEISTEL6,
    SMALL_BLOCK,
    blocks_of,
    feistel,
    feistel_inverse,
    gathers_of,
)
from engram.cpu.kernels.intrinsics import load, store, words_at
from engram.cpu.kernels.kernel import function, inlined, kernel
from engram.cpu.layout import LawBlock

__all__ = ["fill_words", "generate", "keys_of", "words_of"]

U32 = np.uint32
U64 = np.uint64

_RESIDUE, _MASK = LAWS[2], LAWS[3]
assert isinstance(_RESIDUE, ResidueLaw)
assert isinstance(_MASK, MaskLaw)

_LANES = len(_RESIDUE.moduli)
_MODULI = np.array(_RESIDUE.moduli, np.uint64)
# Powers of 2**16 modulo p, for p = 2**16 - c: c, c**2 and c**3, in 8, 16 and 24 bits.
_FOLDS = np.array(
    [[(0x10000 - p) ** power for power in (1, 2, 3)] for p in _RESIDUE.moduli], np.uint64
)
_TAGS = np.array([p << 16 | lane << 32 for lane, p in enumerate(_RESIDUE.moduli)], np.uint64)
_INCREMENT = U64(_MASK.increment)

_fill_block6 = blocks_of(FEISTEL6)
_fill_block6_nt = blocks_of(FEISTEL6, nontemporal=True)
_fill_small6 = blocks_of(FEISTEL6, words=SMALL_BLOCK)
_fill_block4 = blocks_of(FEISTEL4)
_fill_block4_nt = blocks_of(FEISTEL4, nontemporal=True)
_fill_small4 = blocks_of(FEISTEL4, words=SMALL_BLOCK)
_gather_block6 = gathers_of(FEISTEL6)
_gather_small6 = gathers_of(FEISTEL6, words=SMALL_BLOCK)
_gather_block4 = gathers_of(FEISTEL4)
_gather_small4 = gathers_of(FEISTEL4, words=SMALL_BLOCK)

# Words a law without vector blocks makes at a time: 4 KiB stays in the first-level cache.
_TILE = U64(512)


def _mixer(mixer: Mixer):
    """Return a numba function of the mixer, and of its inverse."""
    (s0, m0), (s1, m1) = mixer.stages
    shifts = (U64(s0), U64(s1), U64(mixer.final_shift))
    factors = (U64(m0), U64(m1))
    inverses = (U64(pow(m0, -1, 1 << 64)), U64(pow(m1, -1, 1 << 64)))

    @inlined
    def forward(x):
        x = (x ^ (x >> shifts[0])) * factors[0]
        x = (x ^ (x >> shifts[1])) * factors[1]
        return x ^ (x >> shifts[2])

    @inlined
    def unshift(x, shift):
        # An xor-shift undoes itself after enough doublings to pass 64 bits; every shift here
        # is at least 16, so two doublings do.
        x = x ^ (x >> shift)
        return x ^ (x >> (shift + shift))

    @inlined
    def backward(x):
        x = unshift(x, shifts[2]) * inverses[1]
        x = unshift(x, shifts[1]) * inverses[0]
        return unshift(x, shifts[0])

    return forward, backward


_fmix64, _ = _mixer(_RESIDUE.mixer)
_splitmix64, _unsplitmix64 = _mixer(_MASK.mixer)


@inlined
def _residue(x, lane):
    """Return ``x`` mod p by folding: 2**16 is c modulo p, so digit j counts c**j times.

    The masks say nothing new; they tell the compiler that 32-bit multiplies will do.
    """
    low = U64(0xFFFF)
    c = _FOLDS[lane, 0] & U64(0xFF)
    c2 = _FOLDS[lane, 1] & low
    c3 = _FOLDS[lane, 2] & U64(0xFFFFFF)
    s = (x & low) + c * ((x >> U64(16)) & low) + c2 * ((x >> U64(32)) & low) + c3 * (x >> U64(48))
    # s < 2**40: three digits again, to less than 2**25, and two to less than 2 p.
    s = (s & low) + c * ((s >> U64(16)) & low) + c2 * ((s >> U64(32)) & U64(0xFF))
    s = (s & low) + c * ((s >> U64(16)) & U64(0x1FF))
    p = _MODULI[lane]
    return s - p if s >= p else s


@inlined
def keys_of(block):
    """Return the four round keys of a law block."""
    return (
        U32(load(block + U64(8 * LawBlock.KEY0))),
        U32(load(block + U64(8 * LawBlock.KEY1))),
        U32(load(block + U64(8 * LawBlock.KEY2))),
        U32(load(block + U64(8 * LawBlock.KEY3))),
    )


@function
def generate(block, address):
    """Return the word that a law block gives an address."""
    law = load(block)
    if law == U64(1):
        k0, k1, k2, k3 = keys_of(block)
        return feistel(6, address, k0, k1, k2, k3)
    if law == U64(4):
        k0, k1, k2, k3 = keys_of(block)
        return feistel(4, address, k0, k1, k2, k3)
    seed = load(block + U64(8 * LawBlock.SEED))
    if law == U64(2):
        x = seed ^ address
        word = U64(0)
        for lane in range(U64(_LANES)):
            word ^= _fmix64(_residue(x, lane) | _TAGS[lane])
        return word
    return _splitmix64(seed + address + _INCREMENT)


@function
def _fill_feistel(block, base, count, out, stream):
    six = load(block) == U64(1)
    done = U64(0)
    while done < count:
        address, where = base + done, out + U64(8) * done
        # A block may not carry from the low half of the address into the high one.
        left = min(count - done, U64(0x100000000) - (address & U64(0xFFFFFFFF)))
        high = U32(address >> U64(32))
        made = U64(0)
        if stream:
            while made < left and (where + U64(8) * made) & U64(63):
                store(where + U64(8) * made, generate(block, address + made))
                made += U64(1)
        while left - made >= U64(BLOCK):
            low = U32((address + made) & U64(0xFFFFFFFF))
            target = where + U64(8) * made
            if six:
                if stream:
                    _fill_block6_nt(target, low, high, block)
                else:
                    _fill_block6(target, low, high, block)
            elif stream:
                _fill_block4_nt(target, low, high, block)
            else:
                _fill_block4(target, low, high, block)
            made += U64(BLOCK)
        while made < left:
            if left >= U64(SMALL_BLOCK):
                # The last one overlaps what is made already, with the same words.
                made = min(made, left - U64(SMALL_BLOCK))
                low = U32((address + made) & U64(0xFFFFFFFF))
                if six:
                    _fill_small6(where + U64(8) * made, low, high, block)
                else:
                    _fill_small4(where + U64(8) * made, low, high, block)
                made += U64(SMALL_BLOCK)
            else:
                store(where + U64(8) * made, generate(block, address + made))
                made += U64(1)
        done += left


@inlined
def _fold_residues(seeded, out, lane_tag, lane):
    return out ^ _fmix64(_residue(seeded, lane) | lane_tag)


@function
def _fold_range(seed, base, words, count):
    """Store the words of ``count`` addresses from ``base`` under law 2.

    Lanes are the outer loop, here and below, so that the inner one vectorises over words.
    """
    for i in range(count):
        words[i] = U64(0)
    for lane in range(U64(_LANES)):
        tag = _TAGS[lane]
        for i in range(count):
            words[i] = _fold_residues(seed ^ (base + i), words[i], tag, lane)


@function
def _fold_words(seed, addresses, words, count):
    """Store the words of ``count`` stored addresses under law 2."""
    for i in range(count):
        words[i] = U64(0)
    for lane in range(U64(_LANES)):
        tag = _TAGS[lane]
        for i in range(count):
            words[i] = _fold_residues(seed ^ addresses[i], words[i], tag, lane)


@function
def fill_words(block, base, count, out, stream):
    """Store the words of ``count`` addresses from ``base`` at ``out``.

    ``stream`` non-zero bypasses the caches; worth it for buffers larger than they are.
    """
    law = load(block)
    if law == U64(1) or law == U64(4):
        _fill_feistel(block, base, count, out, stream != U64(0))
        return
    seed = load(block + U64(8 * LawBlock.SEED))
    if law == U64(3):
        words = carray(words_at(out), count)
        first = seed + base + _INCREMENT
        for i in range(count):
            words[i] = _splitmix64(first + i)
        return
    done = U64(0)
    while done < count:
        tile = min(_TILE, count - done)
        _fold_range(seed, base + done, carray(words_at(out + U64(8) * done), tile), tile)
        done += tile


@function
def words_of(block, addresses, count, out):
    """Store at ``out`` the words of ``count`` addresses stored at ``addresses``."""
    law = load(block)
    if law == U64(1) or law == U64(4):
        _gather_feistel(block, addresses, count, out)
        return
    seed = load(block + U64(8 * LawBlock.SEED))
    if law == U64(3):
        source, words = carray(words_at(addresses), count), carray(words_at(out), count)
        for i in range(count):
            words[i] = _splitmix64(seed + source[i] + _INCREMENT)
        return
    done = U64(0)
    while done < count:
        tile = min(_TILE, count - done)
        source = carray(words_at(addresses + U64(8) * done), tile)
        _fold_words(seed, source, carray(words_at(out + U64(8) * done), tile), tile)
        done += tile


@function
def _gather_feistel(block, addresses, count, out):
    six = load(block) == U64(1)
    done = U64(0)
    while count - done >= U64(BLOCK):
        if six:
            _gather_block6(addresses + U64(8) * done, out + U64(8) * done, block)
        else:
            _gather_block4(addresses + U64(8) * done, out + U64(8) * done, block)
        done += U64(BLOCK)
    while done < count:
        if count >= U64(SMALL_BLOCK):
            # The last one overlaps what is made already, with the same words.
            done = min(done, count - U64(SMALL_BLOCK))
            if six:
                _gather_small6(addresses + U64(8) * done, out + U64(8) * done, block)
            else:
                _gather_small4(addresses + U64(8) * done, out + U64(8) * done, block)
            done += U64(SMALL_BLOCK)
        else:
            store(out + U64(8) * done, generate(block, load(addresses + U64(8) * done)))
            done += U64(1)


@kernel()
def generate_range(block, base, count, out, stream):
    """Fill ``out`` with generated words, whatever is written."""
    fill_words(block, base, count, out, stream)
    return count


@kernel()
def generate_words(block, addresses, count, out):
    """Fill ``out`` with the generated words of addresses, whatever is written."""
    words_of(block, addresses, count, out)
    return count


@kernel()
def invert_words(block, words, count, out):
    """Fill ``out`` with the addresses whose generated words these are; bijective laws only."""
    law = load(block)
    seed = load(block + U64(8 * LawBlock.SEED))
    k0, k1, k2, k3 = keys_of(block)
    source, addresses = carray(words_at(words), count), carray(words_at(out), count)
    if law == U64(3):
        for i in range(count):
            addresses[i] = _unsplitmix64(source[i]) - seed - _INCREMENT
    elif law == U64(1):
        for i in range(count):
            addresses[i] = feistel_inverse(6, source[i], k0, k1, k2, k3)
    else:
        for i in range(count):
            addresses[i] = feistel_inverse(4, source[i], k0, k1, k2, k3)
    return count
