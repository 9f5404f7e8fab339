"""A line that carries bytes, and the answers that are found among what comes over it."""

from typing import Protocol

from engram.arch.uart import (
    ANSWER,
    ANSWER_MARK,
    CHECK,
    GAP_BITS,
    MAX_PAYLOAD,
    Status,
    check_of,
)

__all__ = ["UNHEARD", "Answers", "Line", "Unanswered"]

# Answers to what the bridge did not understand; it did nothing, and knows not to whom it talks.
UNHEARD = (Status.DAMAGED, Status.TRUNCATED, Status.TOO_LONG)

_BITS_A_BYTE = 10
_LARGEST_FRAME = ANSWER.size + MAX_PAYLOAD + CHECK.size
# Bytes after which a line that never falls silent is given up.
_MOST_NOISE = 16 * _LARGEST_FRAME


class Line(Protocol):
    """A line that carries bytes both ways, some of them maybe wrong, or not at all."""

    def read(self, count: int, seconds: float) -> bytes:
        """Return the next ``count`` bytes, or fewer: what came within so many seconds."""
        ...

    def write(self, content: bytes) -> None:
        """Send bytes; they need not be out when this returns."""
        ...

    def close(self) -> None:
        """Let go of the line; twice does nothing."""
        ...


class Unanswered(Exception):
    """There was no answer, or not a whole one: says what is wrong with it, nothing if none came."""


class Answers:
    """Finds answers.

    baud : bits a second of the line, to know how long bytes take
    timeout : seconds that they may be late beyond that
    """

    def __init__(self, line: Line, baud: int, timeout: float) -> None:
        self._line = line
        self._baud = baud
        self._timeout = timeout

    def next(self, sequence: int, seconds: float) -> tuple[int, bytes]:
        """Return status and payload of the answer to a request, which may take so long.

        Raises Unanswered.
        """
        came = 0
        while came < _MOST_NOISE:
            mark = self._line.read(1, seconds + self._timeout)
            if not mark:
                break
            came += 1
            if mark[0] != ANSWER_MARK:
                continue
            head = mark + self._rest(ANSWER.size - 1)
            _, known, status, size = ANSWER.unpack(head)
            if size > MAX_PAYLOAD:
                raise Unanswered("its length was damaged")
            content = self._rest(size + CHECK.size)
            came += len(head) + len(content)
            payload, check = content[:size], content[size:]
            if check != check_of(head[1:] + payload):
                raise Unanswered("its check was wrong")
            if known == sequence or status in UNHEARD:
                return status, payload
            # An answer that came too late for its own request.
        raise Unanswered("nothing but noise was answered" if came else "")

    def quieten(self) -> None:
        """Let the bridge give up what it has half of a request of, and throw its answers away."""
        came = 0
        while came < _MOST_NOISE:
            # Twice the gap: once until it gives up, and once for what it says then.
            content = self._line.read(_LARGEST_FRAME, 2 * GAP_BITS / self._baud)
            if not content:
                return
            came += len(content)

    def flight(self, count: int) -> float:
        """Return how long so many bytes take."""
        return count * _BITS_A_BYTE / self._baud

    def _rest(self, count: int) -> bytes:
        """Return bytes of an answer that has begun."""
        content = self._line.read(count, self.flight(count) + self._timeout)
        if len(content) < count:
            raise Unanswered("its end did not come")
        return content
