"""engram audit verify."""

import pytest

from engram.trust.audit import AuditLog
from engram.trust.keys import Keys

KEY = bytes(range(32))


@pytest.fixture
def log(tmp_path):
    made = AuditLog(tmp_path / "audit", Keys(KEY).auditing)
    for number in range(3):
        made.append("store", name=f"w{number}")
    return tmp_path / "audit"


@pytest.fixture
def key_file(tmp_path):
    (tmp_path / "key").write_bytes(KEY)
    (tmp_path / "key").chmod(0o600)
    return tmp_path / "key"


def test_a_log_is_verified_and_its_head_told(run, run_json, log, key_file, monkeypatch) -> None:
    told = run_json("audit", "verify", log, "--key-file", key_file)
    assert told["entries"] == 3
    monkeypatch.setenv("ENGRAM_KEY", KEY.hex())
    assert run("audit", "verify", log, "--head", told["head"]) == (
        f"3 entries are as they were written; head {told['head']}\n"
    )


def test_what_was_done_to_a_log_is_told(run_json, fail, log, key_file) -> None:
    words = ("audit", "verify", log, "--key-file", key_file)
    head = run_json(*words)["head"]
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(lines[0] + lines[2])
    assert "entry 1 does not follow" in fail(4, *words)
    log.write_bytes(lines[0].replace(b"w0", b"w9") + lines[1] + lines[2])
    assert "entry 0 was changed" in fail(4, *words)
    log.write_bytes(lines[0] + lines[1])
    assert run_json(*words)["entries"] == 2
    assert "does not hold the 3 entries noted" in fail(4, *words, "--head", head)


def test_wrong_use_is_told_in_one_line(fail, log, key_file, tmp_path) -> None:
    assert "a key must be given" in fail(2, "audit", "verify", log)
    words = ("audit", "verify", log, "--key-file", key_file)
    assert "head must be COUNT:MAC" in fail(2, *words, "--head", "3")
    assert "No such file" in fail(5, "audit", "verify", tmp_path / "none", "--key-file", key_file)
    key_file.write_bytes(KEY[:8])
    assert "at least 32 bytes, not 8" in fail(2, *words)
