"""`python -m lava_procs.worker`: a spiking memory, served in frames over stdin and stdout."""

import logging
import os
import platform
import sys
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from lava_procs.wire import VERSION, frame, receive

__all__ = ["Server", "main", "serve"]

logger = logging.getLogger(__name__)

Arrays = list[NDArray[Any]]
Answer = tuple[dict[str, Any], Arrays]


class Server:
    """One memory and the calls on it, by name; each takes a head and arrays, and returns such.

    ``open`` makes the memory, of Lava's processes or of nengo-loihi's blocks, and comes first.
    """

    def __init__(self) -> None:
        self._memory: Any = None
        self._calls: dict[str, Callable[[dict[str, Any], Arrays], Answer]] = {
            "ping": lambda head, arrays: ({}, []),
            "open": self._open,
            "encode": lambda head, arrays: ({}, [self._memory.encode(*arrays)]),
            "write": lambda head, arrays: ({}, self._memory.write(*arrays) or []),
            "learn": self._learn,
            "clear": lambda head, arrays: ({}, self._memory.clear(*arrays) or []),
            "synapses": self._synapses,
            "restore": self._restore,
            "race": lambda head, arrays: ({}, list(self._memory.race(*arrays, head["count"]))),
            "race_codes": lambda head, arrays: (
                {},
                list(self._memory.race_codes(*arrays, head["count"])),
            ),
            "settle": lambda head, arrays: (
                {},
                list(self._memory.settle(*arrays, steps_done=head["steps_done"])),
            ),
            "speak": self._speak,
            "replay": self._replay,
        }

    def answer(self, head: dict[str, Any], arrays: Arrays) -> Answer:
        """Do one call; what goes wrong in it is an answer, too."""
        name = head.get("call")
        try:
            if name not in self._calls:
                raise ValueError(f"call must be one of {', '.join(self._calls)}, not {name!r}")
            if self._memory is None and name not in ("ping", "open"):
                raise ValueError(f"open must come before {name}")
            reply, results = self._calls[name](head, arrays)
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            text = " ".join(str(error).split())
            return {"ok": False, "error": type(error).__name__, "text": text}, []
        if self._memory is not None:
            reply["counters"] = {key: int(n) for key, n in self._memory.counters.items()}
        return {"ok": True, **reply}, results

    def close(self) -> None:
        """Stop the memory."""
        if self._memory is not None:
            self._memory.stop()
            self._memory = None

    def _open(self, head: dict[str, Any], arrays: Arrays) -> Answer:
        self.close()
        sources, signs = arrays
        if head["kind"] == "nengo":
            from lava_procs.nengo_memory import NengoMemory

            make: Any = NengoMemory
        else:
            from lava_procs.memory import SpikingMemory

            make = SpikingMemory
        self._memory = make(sources=sources, signs=signs, **head["parameters"])
        return {}, []

    def _learn(self, head: dict[str, Any], arrays: Arrays) -> Answer:
        self._memory.learn(head["slot"], *arrays)
        return {}, list(self._memory.synapses(head["slot"]))

    def _synapses(self, head: dict[str, Any], arrays: Arrays) -> Answer:
        """Return the synapses of many slots, one after the other, and how many each has."""
        found = [self._memory.synapses(slot) for slot in arrays[0].tolist()]
        counts = np.array([len(neurons) for neurons, _ in found], np.int64)
        neurons = np.concatenate([np.zeros(0, np.uint16), *(row for row, _ in found)])
        permanences = np.concatenate([np.zeros(0, np.uint8), *(row for _, row in found)])
        return {}, [counts, neurons, permanences]

    def _restore(self, head: dict[str, Any], arrays: Arrays) -> Answer:
        slots, counts, neurons, permanences = arrays
        ends = np.cumsum(counts)
        for slot, count, end in zip(slots.tolist(), counts.tolist(), ends.tolist(), strict=True):
            part = slice(end - count, end)
            self._memory.restore(slot, neurons[part], permanences[part])
        return {}, []

    def _speak(self, head: dict[str, Any], arrays: Arrays) -> Answer:
        """Return the code that each row of winners (-1: none) speaks for."""
        codes = [
            self._memory.speak(slots[slots >= 0], deficits[slots >= 0])
            for slots, deficits in zip(*arrays, strict=True)
        ]
        return {}, [np.array(codes, np.uint16).reshape(len(arrays[0]), head["winners"])]

    def _replay(self, head: dict[str, Any], arrays: Arrays) -> Answer:
        counts, neurons, strengths = arrays
        cues = np.split(neurons, np.cumsum(counts)[:-1]) if len(counts) else []
        return {}, list(self._memory.replay(cues, head["overlap"], strengths))


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Say hello, then answer every request until the stream ends."""

    def read(count: int) -> bytes:
        data = requests.read(count)
        if len(data) < count:
            raise EOFError
        return data

    def send(head: dict[str, Any], arrays: Arrays) -> None:
        replies.writelines(frame(head, arrays))
        replies.flush()

    server = Server()
    versions = {"python": platform.python_version(), "numpy": np.__version__}
    send({"ok": True, "hello": "lava_procs", "version": VERSION, **versions}, [])
    try:
        while True:
            try:
                head, arrays = receive(read)
            except EOFError:
                return
            send(*server.answer(head, arrays))
    finally:
        server.close()


def main() -> None:
    """Serve on the process's own stdin and stdout."""
    logging.basicConfig(level=logging.WARNING)
    requests = os.fdopen(os.dup(0), "rb", buffering=1 << 16)
    replies = os.fdopen(os.dup(1), "wb", buffering=1 << 16)
    # Whatever else this process or a child of it prints must not get among the frames, and no
    # child may eat requests.
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    try:
        serve(requests, replies)
    except BrokenPipeError:
        logger.warning("the host has gone")


if __name__ == "__main__":
    main()
