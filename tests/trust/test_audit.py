"""The audit log grows, and shows every change that somebody without its key can make."""

import json
import random
import subprocess
import sys
import threading

import pytest

from engram.errors import IntegrityError
from engram.trust.audit import AuditLog, Head

KEY = bytes(range(32))


@pytest.fixture
def log(tmp_path) -> AuditLog:
    made = AuditLog(tmp_path / "audit", KEY)
    for number in range(6):
        made.append("store", name=f"w{number}", version=number, note="ü\n")
    return made


@pytest.fixture
def lines(tmp_path, log) -> list[bytes]:
    return (tmp_path / "audit").read_bytes().splitlines(keepends=True)


def refuse(tmp_path, lines: list[bytes], told: str) -> None:
    (tmp_path / "audit").write_bytes(b"".join(lines))
    with pytest.raises(IntegrityError, match=told):
        AuditLog(tmp_path / "audit", KEY).verify()


def test_entries_say_what_was_done_and_when(tmp_path, log) -> None:
    entries = list(log.entries())
    assert [entry["entry"] for entry in entries] == list(range(6))
    assert [entry["name"] for entry in entries] == [f"w{number}" for number in range(6)]
    assert all(entry["action"] == "store" and entry["note"] == "ü\n" for entry in entries)
    assert entries[0]["time"] <= entries[5]["time"]
    head = AuditLog(tmp_path / "audit", KEY).verify()
    assert head == Head(6, entries[5]["mac"])
    assert Head.parse(str(head)) == head
    assert (tmp_path / "audit").stat().st_mode & 0o777 == 0o600


def test_every_changed_byte_is_found(tmp_path, lines) -> None:
    data = b"".join(lines[:3])
    for at in range(len(data)):
        changed = data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]
        refuse(tmp_path, [changed], "audit: entry")


def test_an_equal_entry_in_other_words_is_found(tmp_path, lines) -> None:
    entry = json.loads(lines[2])
    refuse(tmp_path, [*lines[:2], json.dumps(entry).encode() + b"\n", *lines[3:]], "entry 2 is not")
    refuse(tmp_path, [lines[0], b"\n", *lines[1:]], "entry 1 is none")


def test_removed_added_and_moved_entries_are_found(tmp_path, lines) -> None:
    for at in range(5):
        refuse(tmp_path, lines[:at] + lines[at + 1 :], f"entry {at} does not follow")
        refuse(tmp_path, [*lines[:at], lines[at], *lines[at:]], f"entry {at + 1} does not follow")
        swapped = [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]
        refuse(tmp_path, swapped, f"entry {at} does not follow")
    refuse(tmp_path, [*lines[:3], lines[3][:-20], *lines[4:]], "entry 3 is none")
    refuse(tmp_path, [*lines[:3], lines[3][:-20] + b"\n", *lines[4:]], "entry 3 is none")


def test_entries_of_another_log_or_key_are_found(tmp_path, lines) -> None:
    other = AuditLog(tmp_path / "other", KEY)
    for number in range(6):
        other.append("store", name=f"w{number}", version=number, note="ü\n", place="there")
    grafted = (tmp_path / "other").read_bytes().splitlines(keepends=True)
    refuse(tmp_path, [*lines[:3], *grafted[3:]], "entry 3 does not follow")
    with pytest.raises(IntegrityError, match="entry 0 was changed, or written with another key"):
        AuditLog(tmp_path / "other", KEY[::-1]).verify()
    with pytest.raises(IntegrityError, match="the last entry was changed"):
        AuditLog(tmp_path / "other", KEY[::-1]).append("store")


def test_a_lost_end_is_found_by_a_head_kept_elsewhere(tmp_path, log, lines) -> None:
    head = log.verify()
    log.append("drop", name="w1")
    assert log.verify(head).entries == 7
    (tmp_path / "audit").write_bytes(b"".join(lines[:4]))
    assert log.verify() == Head(4, json.loads(lines[3])["mac"])
    with pytest.raises(IntegrityError, match="does not hold the 6 entries noted: it has 4"):
        log.verify(head)
    for number in range(4):
        log.append("forged", number=number)
    with pytest.raises(IntegrityError, match="entry 6 is not the one noted"):
        log.verify(head)
    for text in ("", "6", "6:00", f"x:{'0' * 64}"):
        with pytest.raises(ValueError, match="head must be COUNT:MAC"):
            Head.parse(text)


def test_an_end_that_a_crash_cut_off_is_dropped_and_that_is_told(tmp_path, log, lines) -> None:
    for kept in (1, 30, len(lines[5]) - 1):
        (tmp_path / "audit").write_bytes(b"".join(lines[:5]) + lines[5][:kept])
        with pytest.raises(IntegrityError, match="entry 5 is cut off"):
            log.verify()
        log.append("load", name="w0")
        entries = list(log.entries())
        assert [entry["action"] for entry in entries[5:]] == ["recover", "load"]
        assert entries[5]["lost_bytes"] == kept
    (tmp_path / "audit").write_bytes(lines[0] + b"x" * 10_000)
    log.append("load")
    assert log.verify().entries == 3
    (tmp_path / "audit").write_bytes(lines[0][:9])
    log.append("load")
    assert log.verify().entries == 2


def test_long_entries_are_chained_as_well(log) -> None:
    for size in (4000, 4096, 9000, 3):
        log.append("store", note="x" * size)
    assert log.verify().entries == 10


def test_an_empty_log_verifies(tmp_path) -> None:
    (tmp_path / "audit").touch()
    log = AuditLog(tmp_path / "audit", KEY)
    assert log.verify().entries == 0
    assert log.verify(Head(0, "0" * 64)).entries == 0
    with pytest.raises(IntegrityError, match="does not hold the 2 entries"):
        log.verify(Head(2, "0" * 64))
    with pytest.raises(FileNotFoundError):
        AuditLog(tmp_path / "none", KEY).verify()


@pytest.mark.parametrize("details", [{"mac": 1}, {"entry": 1}, {"before": 1}, {"x": float("nan")}])
def test_what_is_no_entry_is_refused(log, details) -> None:
    with pytest.raises(ValueError, match=r"details must|JSON"):
        log.append("store", **details)
    with pytest.raises(ValueError, match="action must be a name"):
        log.append("")
    with pytest.raises(TypeError):
        log.append("store", name=b"w")
    assert log.verify().entries == 6


def test_threads_and_processes_write_one_chain(tmp_path, log) -> None:
    code = (
        "import sys; from engram.trust.audit import AuditLog\n"
        f"log = AuditLog({str(tmp_path / 'audit')!r}, bytes(range(32)))\n"
        "print(flush=True), sys.stdin.readline()\n"
        "for number in range(100): log.append('store', number=number)"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    processes = [subprocess.Popen([sys.executable, "-c", code], **pipes) for _ in range(2)]
    for process in processes:
        assert process.stdout.readline() == b"\n"  # all are ready, and begin together

    def write() -> None:
        for number in range(50):
            log.append("load", number=number)

    threads = [threading.Thread(target=write) for _ in range(2)]
    for process in processes:
        process.stdin.write(b"\n")
        process.stdin.flush()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert log.verify().entries == 306


def test_shuffled_logs_are_never_taken_for_right(tmp_path, lines) -> None:
    chance = random.Random(0)
    for _ in range(50):
        some = chance.sample(lines, chance.randint(1, 6))
        if some != lines[: len(some)]:
            refuse(tmp_path, some, "does not follow")
