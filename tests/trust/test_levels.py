"""Each level of trust does what its table says, and what the one below it does not."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import engram
from engram.codecs.raw import RawCodec
from engram.config import MemoryConfig
from engram.errors import IntegrityError, LockedOut
from engram.tensors.descriptors import default_key
from engram.trust import levels
from engram.trust.audit import AuditLog
from engram.trust.guard import LOG_NAME, Guard
from engram.trust.keys import Keys
from engram.trust.levels import LEVELS, level_by_name

KEY = bytes(range(32))
KEYS = Keys(KEY)
SECRET = b"sixty-four bytes that no file of a sealed memory may ever show!!"
VALUES = np.frombuffer(SECRET * 1024, np.float32)  # 16,384 elements

each_level = pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name)


def opened(place: Path, level, **settings) -> engram.Memory:
    key = KEY if level.own_key else None
    return engram.open(place, trust=level.name, key=key, **settings)


def actions(place: Path) -> list[str]:
    if not (place / LOG_NAME).exists():
        return []
    return [entry["action"] for entry in AuditLog(place / LOG_NAME, KEYS.auditing).entries()]


def everything(place: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file())


def test_levels_are_ordered_and_no_two_are_alike() -> None:
    assert [level.name for level in LEVELS] == ["basic", "standard", "high", "maximum"]
    assert sorted(LEVELS, reverse=True) == list(reversed(LEVELS))
    for low, high in pairwise(LEVELS):
        assert low < high
        flags = [(low.own_key, high.own_key), (low.checks_tiles, high.checks_tiles),
                 (low.audits_changes, high.audits_changes), (low.audits_loads, high.audits_loads),
                 (low.seals, high.seals), (low.locks_out, high.locks_out)]  # fmt: skip
        assert all(below <= above for below, above in flags)
        assert any(below < above for below, above in flags)
    assert level_by_name("high") is levels.HIGH
    with pytest.raises(ValueError, match="level must be one of basic, standard, high, maximum"):
        level_by_name("paranoid")


def test_the_documented_table_is_the_one_that_holds() -> None:
    rows = [line.strip("| ").split(" | ") for line in levels.__doc__.splitlines()
            if line.startswith("| ")][1:]  # fmt: skip
    for level, row in zip(LEVELS, rows, strict=True):
        audit = "changes and loads" if level.audits_loads else "changes"
        assert row == [
            level.name,
            "yes" if level.own_key else "no",
            "yes",
            "yes" if level.checks_tiles else "no",
            audit if level.audits else "no",
            "AES-GCM" if level.seals else "plain",
            "yes" if level.locks_out else "no",
        ]


@each_level
def test_levels_want_a_key_and_a_place_as_they_say(level, tmp_path) -> None:
    if level.own_key:
        with pytest.raises(ValueError, match=f"key must be given at level {level.name}"):
            engram.open(tmp_path / "m", trust=level.name)
    if level.audits:
        with pytest.raises(ValueError, match=f"path must be given at level {level.name}"):
            engram.open(trust=level.name, key=KEY)
    else:
        engram.open(trust=level.name, key=KEY).close()
    with pytest.raises(ValueError, match="trust must be one of basic, standard, high, maximum"):
        MemoryConfig(trust="paranoid")
    guard = Guard.of(MemoryConfig(), 7)
    assert guard.signing_key == default_key(7)
    assert Guard.of(MemoryConfig(key=KEY), 7).signing_key == KEYS.signing


def test_a_memory_finds_its_key_where_it_is_told(tmp_path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY.hex())
    file.chmod(0o600)
    environ = {"ENGRAM_KEY": KEY[::-1].hex(), "ENGRAM_TRUST": "standard"}
    by_file = MemoryConfig.load(key_file=file, environ=environ)
    assert (by_file.key, by_file.trust) == (None, "standard")
    assert Guard.of(by_file, 0).signing_key == KEYS.signing
    assert Guard.of(MemoryConfig.load(environ=environ), 0).signing_key == Keys(KEY[::-1]).signing
    in_variables = MemoryConfig.load(environ={"ENGRAM_KEY_FILE": str(file)})
    assert Guard.of(in_variables, 0).signing_key == KEYS.signing
    with pytest.raises(ValueError, match="itself or by key_file, not both"):
        MemoryConfig(key=KEY, key_file=str(file))
    file.chmod(0o644)
    with pytest.raises(ValueError, match="mode 0600"):
        engram.open(key_file=file)


@each_level
def test_tensors_come_back_in_the_next_process(level, tmp_path) -> None:
    place = tmp_path / "m"
    with opened(place, level) as memory:
        memory.store("w", VALUES, exact=True, codec="raw")
        memory.update("w", sparse=(np.array([5]), np.ones(1, np.float32)))
    with opened(place, level) as memory:
        np.testing.assert_array_equal(memory.load("w", 1), VALUES)
        assert memory.load("w")[5] == 1
        assert memory.verify() == 2
        memory.compact()
    with opened(place, level, read_only=True) as memory:
        np.testing.assert_array_equal(memory.load("w", 1), VALUES)


@each_level
def test_only_the_highest_level_hides_what_it_keeps(level, tmp_path) -> None:
    place = tmp_path / "m"
    with opened(place, level) as memory:
        memory.store("a telling name", VALUES, exact=True, codec="raw")
    found = everything(place)
    assert (SECRET in found) is not level.seals
    with opened(place, level) as memory:
        memory.compact()
    assert (SECRET in everything(place)) is not level.seals
    # The audit log tells names, and no more: it is signed, not sealed.
    (place / LOG_NAME).unlink(missing_ok=True)
    assert (b"a telling name" in everything(place)) is not level.seals


def test_sealed_tensors_open_with_their_key_at_every_level_and_with_no_other(tmp_path) -> None:
    place = tmp_path / "m"
    with opened(place, levels.MAXIMUM) as memory:
        memory.store("w", VALUES)
    with pytest.raises(IntegrityError, match="they open with the key that sealed them"):
        engram.open(place)
    with pytest.raises(IntegrityError, match="the seal is broken"):
        engram.open(place, key=KEY[::-1])
    with engram.open(place, key=KEY) as memory:
        np.testing.assert_array_equal(memory.load("w"), VALUES)


@each_level
def test_the_log_tells_what_the_level_says(level, tmp_path) -> None:
    place = tmp_path / "m"
    with opened(place, level) as memory:
        memory.store("w", VALUES)
        memory.load("w")
        memory.load("w")
        memory.load_tile("w", 0)
        memory.update("w", scale=2.0)
        memory.rollback("w", 1)
        memory.update("w", scale=3.0)
        memory.consolidate_tensor("w")
        memory.drop("w")
    changes = ["store", "update", "rollback", "update", "consolidate", "drop"]
    if level.audits_loads:
        changes[1:1] = ["load"] * 3
    assert actions(place) == (changes if level.audits else [])


@each_level
def test_only_high_levels_notice_a_decoder_that_errs(level, tmp_path, monkeypatch) -> None:
    place = tmp_path / "m"
    with opened(place, level) as memory:
        memory.store("w", VALUES, codec="raw")
    right = RawCodec.decode

    def wrong(self, payload, geometry, start, stop, out) -> None:
        right(self, payload, geometry, start, stop, out)
        out[:] = out[::-1].copy()

    monkeypatch.setattr(RawCodec, "decode", wrong)
    with opened(place, level) as memory:
        for load in (
            lambda: memory.load("w"),
            lambda: memory.load_tile("w", 0),
            lambda: memory.load("w", out=np.empty_like(VALUES)),
        ):
            if level.checks_tiles:
                with pytest.raises(IntegrityError, match=r"signed|not one of tensor"):
                    load()
            else:
                load()
    assert actions(place).count("refuse") == (3 if level.audits else 0)


@each_level
def test_levels_above_basic_lock_out_for_a_while(level, tmp_path, monkeypatch) -> None:
    place = tmp_path / "m"
    with opened(place, level) as memory:
        memory.store("w", VALUES)
    if level.seals:
        return  # it does not even open: see above
    now = [0.0]
    other = None if level is levels.BASIC else KEY[::-1]
    with engram.open(place, trust=level.name if other else "basic", key=other or KEY) as memory:
        guard = memory._tensors._guard
        if guard._lockout is not None:
            guard._lockout._clock = lambda: now[0]
        if level.audits:
            (place / LOG_NAME).unlink()
        for _ in range(5):
            with pytest.raises(IntegrityError, match="MAC"):
                memory.load("w")
        with pytest.raises(LockedOut if level.locks_out else IntegrityError):
            memory.load("w")
        now[0] = 31
        with pytest.raises(IntegrityError, match="MAC"):
            memory.load("w")
