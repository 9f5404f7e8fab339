"""Permanences of synapses: written in one shot, or moved when a plateau opens the gate."""

from typing import Any

import numpy as np
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var

__all__ = [
    "CLEAR",
    "CONNECTED",
    "DEPRESSION",
    "FIRST_PERMANENCE",
    "LARGEST_PERMANENCE",
    "ONE_SHOT",
    "PLATEAU",
    "POTENTIATION",
    "RESTORE",
    "Learning",
]

LARGEST_PERMANENCE = 15
CONNECTED = 8
FIRST_PERMANENCE = 12
POTENTIATION = 4
DEPRESSION = 1

# Gates.
ONE_SHOT, PLATEAU, CLEAR, RESTORE = 1, 2, 3, 4


class Learning(AbstractProcess):
    """Permanences ``p[i, j]``, 0..15, of the synapses of pattern neurons; from 8 on one conducts.

    In a step with ``gate_in = (g, i + 1)`` and ``g`` not 0, for every code neuron ``j`` with
    ``x = s_in[j]``::

        g = 1, one shot   p[i, j] = 12 if x else 0
        g = 2, plateau    p[i, j] = min(15, p[i, j] + 4) if x else max(0, p[i, j] - 1)
        g = 3, clear      p[i, j] = 0
        g = 4, restore    p[i, j] = x

    and ``w_out = p[i]``, ``go_out = i + 1``. All else is silence.

    Lava's learning rules cannot say this: a plateau's gate on single rows, no decay elsewhere,
    4 bits without noise, and rows that begin at zero (``LearningDense`` keeps m x m traces,
    ``LearningSparse`` refuses zero weights). Permanences are integers, so there is no
    ``floating_pt`` model.

    Ports: ``s_in`` (m,), ``gate_in`` (2,); ``w_out`` (m,), ``go_out`` (1,).
    """

    def __init__(self, *, neurons: int, permanences: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.s_in = InPort(shape=(neurons,))
        self.gate_in = InPort(shape=(2,))
        self.w_out = OutPort(shape=(neurons,))
        self.go_out = OutPort(shape=(1,))
        self.permanences = Var(
            shape=(len(permanences), neurons), init=np.asarray(permanences, np.uint8)
        )
