"""Keys come from where the caller says, are long enough, and serve one purpose each."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engram.trust.keys import Keys, find_key, hkdf, key_from_file

KEY = bytes(range(32))


def test_derivation_is_that_of_rfc_5869() -> None:
    # Its appendix A, cases 1 to 3.
    assert hkdf(b"\x0b" * 22, bytes(range(0xF0, 0xFA)), salt=bytes(range(13)), length=42).hex() == (
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    )
    assert hkdf(
        bytes(range(0x50)), bytes(range(0xB0, 0x100)), salt=bytes(range(0x60, 0xB0)), length=82
    ).hex() == (
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c6"
        "5e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"
    )
    assert hkdf(b"\x0b" * 22, b"", salt=b"", length=42).hex() == (
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    )
    for length in (0, 8161):
        with pytest.raises(ValueError, match="length must be in"):
            hkdf(KEY, b"", length=length)


@given(st.binary(min_size=32, max_size=64).filter(lambda key: len(set(key)) > 1))
def test_no_two_purposes_share_a_key(root) -> None:
    keys = Keys(root)
    made = {keys.root, keys.signing, keys.sealing, keys.auditing}
    assert len(made) == 4
    assert all(len(key) >= 32 for key in made)
    assert keys.fingerprint not in root.hex()
    assert keys == Keys(root)
    assert keys.signing != Keys(root + b"0").signing


def test_keys_are_never_shown() -> None:
    assert KEY.hex() not in repr(Keys(KEY))
    assert repr(KEY) not in repr(Keys(KEY))
    secret = "ab" * 15 + "xy" * 5
    with pytest.raises(ValueError, match="ENGRAM_KEY must hold hexadecimal digits") as caught:
        find_key(environ={"ENGRAM_KEY": secret})
    assert secret not in str(caught.value)
    assert caught.value.__suppress_context__


def test_the_caller_wins_over_the_file_and_that_over_the_environment(tmp_path) -> None:
    file = tmp_path / "key"
    file.write_bytes(KEY[::-1])
    file.chmod(0o600)
    environ = {"ENGRAM_KEY": (KEY * 2).hex()}
    assert find_key(KEY, file=file, environ=environ) == KEY
    assert find_key(file=file, environ=environ) == KEY[::-1]
    assert find_key(environ=environ) == KEY * 2
    assert find_key(environ={}) is None


def test_the_process_environment_is_looked_at(monkeypatch) -> None:
    monkeypatch.setenv("ENGRAM_KEY", f" {KEY.hex().upper()}\n")
    assert find_key() == KEY


def test_files_hold_digits_or_bytes(tmp_path) -> None:
    file = tmp_path / "key"
    for data in (KEY, KEY.hex().encode(), KEY.hex().upper().encode() + b"\n"):
        file.write_bytes(data)
        file.chmod(0o600)
        assert key_from_file(file) == KEY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_files_that_others_may_touch_are_refused(tmp_path, mode) -> None:
    file = tmp_path / "key"
    file.write_bytes(KEY)
    file.chmod(mode)
    with pytest.raises(ValueError, match=f"mode 0600, not {mode:04o}: chmod 600"):
        key_from_file(file)
    file.chmod(0o400)
    assert key_from_file(file) == KEY


def test_what_is_no_key_is_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match="key must have at least 32 bytes, not 31"):
        find_key(KEY[:31])
    with pytest.raises(TypeError, match="key must be bytes, not str"):
        find_key(KEY.hex())
    with pytest.raises(ValueError, match="not 40 times the same byte"):
        Keys(bytes(40))
    with pytest.raises(ValueError, match="ENGRAM_KEY must have at least 32 bytes, not 4"):
        find_key(environ={"ENGRAM_KEY": "01020304"})
    with pytest.raises(ValueError, match="at least 32 bytes, not 0"):
        find_key(environ={"ENGRAM_KEY": ""})
    with pytest.raises(FileNotFoundError):
        key_from_file(tmp_path / "none")
    file = tmp_path / "key"
    for data, told in (
        (b"", "not 0"),
        (KEY.hex()[:-1].encode(), "two for each byte"),
        (b"a" * 20, "at least 32 bytes, not 10"),
        (KEY * 200, "at most 4096"),
    ):
        file.write_bytes(data)
        file.chmod(0o600)
        with pytest.raises(ValueError, match=told):
            key_from_file(file)
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(ValueError, match="must be a plain file"):
        key_from_file(tmp_path / "pipe")
