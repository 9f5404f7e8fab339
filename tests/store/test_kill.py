"""A writer may be killed at any moment: what it acknowledged is there, and nothing by halves."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engram.store import Identity, Store, verify

# Two threads commit numbered records of one to 9000 words and acknowledge each on stdout; a third
# compacts, which keeps all, and shrinks.
WRITER = """
import os, sys, threading
import numpy as np
from engram.store import Store, WriteWords

store = Store.open(sys.argv[1])
held = {0: [], 1: []}
next_number = {0: 0, 1: 0}
for record in store.replay():
    held[record.space].append(record)
    next_number[record.space] = max(next_number[record.space], int(record.addresses[-1] >> 16) + 1)

def commit(space):
    number = next_number[space]
    while True:
        count = 1 + number % 5 if number % 41 else 9000
        addresses = np.arange(count, dtype=np.uint64) + np.uint64(number << 16)
        record = WriteWords(space, addresses, addresses * np.uint64(2654435761))
        store.commit([record], lambda: held[space].append(record))
        os.write(1, b"%d %d\\n" % (space, number))
        number += 1

for space in (0, 1):
    threading.Thread(target=commit, args=(space,), daemon=True).start()
os.write(1, b"ready\\n")
while True:
    threading.Event().wait(0.03)
    store.compact(record for space in (0, 1) for record in list(held[space]))
    threading.Event().wait(0.01)
    store.shrink()
"""


def check(place: Path, acknowledged: dict[int, int], *, read_only: bool) -> dict[int, int]:
    words: dict[int, list[np.ndarray]] = {0: [], 1: []}
    with Store.open(place, read_only=read_only) as store:
        for record in store.replay():
            assert np.array_equal(record.values, record.addresses * np.uint64(2654435761))
            words[record.space].append(record.addresses)
    highest = {}
    for space, parts in words.items():
        found = np.sort(np.concatenate([np.zeros(0, np.uint64), *parts]))
        numbers, counts = np.unique(found >> np.uint64(16), return_counts=True)
        assert np.array_equal(numbers, np.arange(len(numbers)))
        expected = [1 + n % 5 if n % 41 else 9000 for n in range(len(numbers))]
        assert counts.tolist() == expected
        assert len(np.unique(found)) == len(found)
        highest[space] = len(numbers) - 1
        assert highest[space] >= acknowledged.get(space, -1)
        assert highest[space] <= acknowledged.get(space, -1) + 1
    return highest


def kill_rounds(place: Path, rounds: int, seed: int) -> None:
    moments = random.Random(seed)
    acknowledged: dict[int, int] = {}
    for number in range(rounds):
        if number % 10 == 0:
            place = place.with_name(f"memory{number}")
            Store.open(place, identity=Identity(1, 1), journal_bytes=16384).close()
            acknowledged = {}
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(place)], stdout=-1)
        assert writer.stdout is not None
        first = writer.stdout.readline()
        try:
            writer.wait(moments.random() * 0.12)
        except subprocess.TimeoutExpired:
            os.kill(writer.pid, signal.SIGKILL)
        for line in (first + writer.stdout.read()).splitlines():
            if line != b"ready":
                space, acknowledged_number = map(int, line.split())
                acknowledged[space] = acknowledged_number
        writer.stdout.close()
        assert writer.wait() == -signal.SIGKILL
        report = verify(place)
        assert report.ok, report.problems
        seen = check(place, acknowledged, read_only=True)
        assert check(place, acknowledged, read_only=False) == seen
        acknowledged = {space: highest for space, highest in seen.items() if highest >= 0}


def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path) -> None:
    kill_rounds(tmp_path / "memory", 30, seed=1)


@pytest.mark.long
def test_a_writer_killed_many_times_loses_nothing_it_acknowledged(tmp_path) -> None:
    kill_rounds(tmp_path / "memory", 200, seed=2)


def test_a_creation_killed_at_any_moment_can_be_repeated(tmp_path) -> None:
    moments = random.Random(3)
    code = (
        "import os, sys; from engram.store import Identity, Store\n"
        "os.write(1, b'x')\n"
        "for number in range(1000): Store.open(f'{sys.argv[1]}/{number}', "
        "identity=Identity(1, 1), journal_bytes=1 << 16).close()\n"
    )
    for number in range(5):
        place = tmp_path / str(number)
        writer = subprocess.Popen([sys.executable, "-c", code, str(place)], stdout=-1)
        assert writer.stdout is not None
        assert writer.stdout.read(1) == b"x"
        try:
            writer.wait(moments.random() * 0.05)
        except subprocess.TimeoutExpired:
            os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        for made in place.iterdir() if place.exists() else ():
            Store.open(made, identity=Identity(1, 1), journal_bytes=1 << 16).close()
            assert verify(made).ok
