"""The steps of the demo: one memory, from its first word to its fifth death."""

import time

import numpy as np
from numpy.typing import NDArray

from engram.arch.laws import LAWS, FeistelLaw
from engram.arch.pages import MASK64
from engram.cli.bench.contests import fill_contests
from engram.cli.demo.kills import kill_round
from engram.cli.demo.outcome import Outcome
from engram.cli.demo.process import resident_bytes
from engram.cli.demo.seal import ERASED_ROWS, SIDE, WINDOW, WINDOW_WORDS, seal_mask, seal_words
from engram.cli.demo.steps import Steps
from engram.cli.terminal import amount, duration, size
from engram.config import MemoryConfig
from engram.errors import QuotaExceeded
from engram.memory import Memory
from engram.numpy_laws import generate
from engram.store.verification import verify

__all__ = ["Journey"]

_BUFFER_WORDS = 1 << 22
_CHECKED_WORDS = 1 << 14  # blocks that the first caches hold, where the witness is fastest
_RUN = 2 * 10**15
_SCATTERED_WORDS = 1_000_000
_SPARE_BYTES = 64 << 20  # what threads, tables and the allocator may take beside the buffer


class Journey:
    """Runs the steps on a directory that holds no memory yet, and fills in the outcome."""

    def __init__(self, directory: str, seed: int, words: int, kills: int, steps: Steps) -> None:
        self.directory = directory
        self.kills = kills
        self.steps = steps
        self.outcome = Outcome(seed, words)
        law = LAWS[1]
        assert isinstance(law, FeistelLaw)
        self._law = law

    def run(self) -> Outcome:
        """Take every step."""
        started = time.perf_counter()
        with self.steps.step("load the kernels") as step:
            with Memory(MemoryConfig(seed=self.outcome.seed)):
                pass
            compiled = time.perf_counter() - started > 2
            step.found = "compiled for this machine, once" if compiled else "from the cache"
        with self._open(created=True) as memory:
            self._read(memory)
            self._fill(memory)
            self._write(memory)
            self._erase(memory)
            self._draw(memory)
            self._invert(memory)
            self._separate(memory)
            self.outcome.recollection.remember(memory, self.steps)
        self._kill()
        with self._open(created=False) as memory:
            self._look_again(memory)
            self.outcome.recollection.recall_again(memory, self.steps)
        self._verify()
        self._compare()
        self.outcome.seconds = time.perf_counter() - started
        return self.outcome

    def _open(self, *, created: bool) -> Memory:
        title = "open a directory" if created else "open it once more"
        with self.steps.step(title) as step:
            started = time.perf_counter()
            memory = Memory(MemoryConfig(path=self.directory, seed=self.outcome.seed, law=1))
            seconds = time.perf_counter() - started
            held = memory.report().spaces
            words = sum(space.written_words for space in held)
            if created:
                self.outcome.open_seconds = seconds
                step.found = "2^64 words, all readable, none stored"
                step.check("a new memory holds no word", words == 0)
            else:
                self.outcome.reopen_seconds, self.outcome.held_words = seconds, words
                step.found = f"{words:,} words are back"
        return memory

    def _read(self, memory: Memory) -> None:
        with self.steps.step("read far apart") as step:
            far = (10**15, MASK64 - 1, MASK64)
            words = [memory[address] for address in far]
            expected = generate(self._law, memory.seed, np.array(far, np.uint64))
            step.check("words equal those computed independently", words == expected.tolist())
            step.found = f"{words[0]:#x} at 10^15"

    def _fill(self, memory: Memory) -> None:
        """Read many words through one buffer, and compare every one of them."""
        outcome = self.outcome
        buffer = np.zeros(min(_BUFFER_WORDS, outcome.words), np.uint64)
        first = 1 << 40
        memory.read(first, len(buffer), out=buffer)  # the threads exist from here on
        with self.steps.step(f"fill {amount(outcome.words)} words") as step:
            before, most, seconds, wrong = resident_bytes(), 0, 0.0, 0
            for start in range(0, outcome.words, len(buffer)):
                part = buffer[: outcome.words - start]
                started = time.perf_counter()
                memory.read(first + start, len(part), out=part)
                seconds += time.perf_counter() - started
                outcome.checksum ^= int(np.bitwise_xor.reduce(part))
                wrong += self._count_wrong(memory.seed, first + start, part)
                most = max(most, resident_bytes())
            outcome.fill_rate = outcome.words / seconds
            outcome.resident_growth = max(0, most - before)
            step.check("every word equals the one computed independently", wrong == 0)
            step.check("RAM grew by less than 64 MB", outcome.resident_growth < _SPARE_BYTES)
            step.found = (
                f"{amount(outcome.fill_rate)} words/s, RAM +{size(outcome.resident_growth)}, "
                "all compared"
            )

    def _count_wrong(self, seed: int, first: int, words: NDArray[np.uint64]) -> int:
        offsets = np.arange(_CHECKED_WORDS, dtype=np.uint64)
        wrong = 0
        for start in range(0, len(words), _CHECKED_WORDS):
            part = words[start : start + _CHECKED_WORDS]
            addresses = offsets[: len(part)] + np.uint64(first + start)
            wrong += int((part != generate(self._law, seed, addresses)).sum())
        return wrong

    def _write(self, memory: Memory) -> None:
        outcome = self.outcome
        with self.steps.step("write over them") as step:
            # Addresses and values come from spaces of their own: the law makes distinct ones.
            addresses = memory.spaces("demo addresses").read(0, _SCATTERED_WORDS)
            values = memory.spaces("demo values").read(0, _SCATTERED_WORDS)
            started = time.perf_counter()
            memory.write(addresses, values)
            outcome.write_rate = len(addresses) / (time.perf_counter() - started)
            memory.write(_RUN, values)
            outcome.written_words = memory.written_words
            started = time.perf_counter()
            memory.flush()
            outcome.flush_seconds = time.perf_counter() - started
            step.check("scattered words read back", np.array_equal(memory.read(addresses), values))
            step.check("the run reads back", np.array_equal(memory[_RUN : _RUN + 10**6], values))
            step.check("both are counted", memory.written_words == 2 * _SCATTERED_WORDS)
            step.found = (
                f"{amount(outcome.write_rate)} words/s, 2 M durable in "
                f"{duration(outcome.flush_seconds)}"
            )

    def _erase(self, memory: Memory) -> None:
        """Erase the run and every other scattered word; the rest stays for the kills."""
        with self.steps.step("erase half of them") as step:
            addresses = memory.spaces("demo addresses").read(0, _SCATTERED_WORDS)
            values = memory.spaces("demo values").read(0, _SCATTERED_WORDS)
            gone, kept = addresses[::2].copy(), addresses[1::2].copy()
            started = time.perf_counter()
            erased = memory.erase(gone) + memory.erase(_RUN, _SCATTERED_WORDS)
            self.outcome.erase_rate = erased / (time.perf_counter() - started)
            run = np.arange(_SCATTERED_WORDS, dtype=np.uint64) + np.uint64(_RUN)
            for name, where in (("scattered", gone), ("run", run)):
                expected = generate(self._law, memory.seed, where)
                shown = np.array_equal(memory.read(where), expected)
                step.check(f"generated words show again ({name})", shown)
            step.check("others stay", np.array_equal(memory.read(kept), values[1::2]))
            step.found = f"{erased:,} generated again, {memory.written_words:,} kept"

    def _draw(self, memory: Memory) -> None:
        with self.steps.step("draw a seal") as step:
            mask = seal_mask().reshape(-1)
            addresses = np.flatnonzero(mask).astype(np.uint64) + np.uint64(WINDOW)
            memory.write(addresses, seal_words().reshape(-1)[mask])
            erased = sum(
                memory.erase(WINDOW + first * SIDE, (last - first) * SIDE)
                for first, last in ERASED_ROWS
            )
            memory.flush()
            step.check("erased rows cut it", 0 < erased < len(addresses))
            step.found = f"{len(addresses):,} words written, {erased:,} erased"

    def _invert(self, memory: Memory) -> None:
        with self.steps.step("find a word's address") as step:
            word = 0xC0FFEE
            address = memory.invert(word)
            found = generate(self._law, memory.seed, np.array([address], np.uint64))
            step.check("the address holds the word", int(found[0]) == word)
            step.found = f"{word:#x} lies at {address:#x}"

    def _separate(self, memory: Memory) -> None:
        with self.steps.step("name spaces") as step:
            one, other = memory.spaces("demo one", quota=1000), memory.spaces("demo other")
            step.check("their words differ", not np.any(one.read(0, 4096) == other.read(0, 4096)))
            one.write(7, 7)
            step.check("a write stays in its space", other[7] != 7 and not memory.is_written(7))
            try:
                one.write(0, np.arange(2000))
                refused = False
            except QuotaExceeded:
                refused = one.written_words == 1
            step.check("a quota refuses, and nothing of it is written", refused)
            step.found = "own words; a quota of 1,000 refused 2,000"

    def _kill(self) -> None:
        with self.steps.step(f"kill -9, {self.kills} times") as step:
            with Memory(MemoryConfig(seed=self.outcome.seed)) as moments:
                fractions = moments.spaces("moments").read(0, self.kills, dtype="float64")
            number = 0
            for fraction in fractions.tolist():
                kill = kill_round(self.directory, number, 0.1 + 0.3 * fraction)
                self.outcome.rounds.append(kill)
                number = kill.held
                step.check("the writer died by SIGKILL", kill.by_signal)
                step.check("nothing acknowledged was lost", kill.lost == 0)
                step.check("nothing was torn", kill.torn == 0)
            outcome = self.outcome
            step.check("writes were acknowledged", outcome.acknowledged > 0)
            found = outcome.acknowledged - outcome.lost
            step.found = (
                f"{outcome.acknowledged:,} acknowledged, {found:,} found, {outcome.torn} torn"
            )

    def _look_again(self, memory: Memory) -> None:
        with self.steps.step("look at the seal") as step:
            addresses = np.arange(WINDOW_WORDS, dtype=np.uint64) + np.uint64(WINDOW)
            self.outcome.window = memory.read(WINDOW, WINDOW_WORDS).reshape(SIDE, SIDE)
            self.outcome.window_written = memory.is_written(addresses).reshape(SIDE, SIDE)
            mask = seal_mask()
            for first, last in ERASED_ROWS:
                mask[first:last] = False
            generated = generate(self._law, memory.seed, addresses).reshape(SIDE, SIDE)
            expected = np.where(mask, seal_words(), generated)
            step.check("what was drawn is there", np.array_equal(self.outcome.window, expected))
            step.check(
                "and nothing else is written", np.array_equal(self.outcome.window_written, mask)
            )
            step.found = f"all {int(mask.sum()):,} words of it survived"

    def _verify(self) -> None:
        with self.steps.step("verify the directory") as step:
            started = time.perf_counter()
            found = verify(self.directory)
            self.outcome.verify_seconds = time.perf_counter() - started
            self.outcome.disk_bytes = found.disk_bytes
            step.check("; ".join(found.problems) or "every byte in use verifies", found.ok)
            step.found = f"{size(found.disk_bytes)} on disk, every byte in use"

    def _compare(self) -> None:
        with self.steps.step("measure beside peers") as step:
            for contest in fill_contests(self.outcome.seed, min(1 << 23, self.outcome.words)):
                self.outcome.figures += contest.run(3)
            fastest = max(self.outcome.figures, key=lambda figure: figure.rate)
            step.found = ", ".join(
                f"{fastest.rate / figure.peer_rate:.1f} x {figure.peer}"
                for figure in self.outcome.figures
                if figure.name == fastest.name and figure.peer != "NumPy PCG64DXSM"
            )
