"""The Feistel laws written once more, in NumPy's 32-bit integers: a witness against the kernels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.laws import FeistelLaw
from engram.arch.seeds import feistel_keys

__all__ = ["generated_words"]


def generated_words(law: FeistelLaw, seed: int, addresses: NDArray[np.uint64]) -> Any:
    """Return the generated words at addresses, as the law's docstring says and nothing else."""
    keys = feistel_keys(seed)
    low = (addresses & np.uint64(0xFFFF_FFFF)).astype(np.uint32)
    high = (addresses >> np.uint64(32)).astype(np.uint32)
    low ^= (high << np.uint32(law.premix)) | (high >> np.uint32(32 - law.premix))
    for i in range(law.rounds):
        key = np.uint32((keys[i % 4] + law.key_step * (i // 4)) & 0xFFFF_FFFF)
        t = (low if i % 2 == 0 else high) + key
        t ^= t >> np.uint32(law.shift_in)
        t *= np.uint32(law.factors[i % 2])
        t ^= t >> np.uint32(law.shift_out)
        if i % 2 == 0:
            high ^= t
        else:
            low ^= t
    return high.astype(np.uint64) << np.uint64(32) | low.astype(np.uint64)
