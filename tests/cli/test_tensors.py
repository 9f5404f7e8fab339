"""engram store, load, inspect, tensors, history, rollback and drop."""

import io
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import engram
from engram.cli.app import app

VALUES = np.random.default_rng(0).standard_normal((128, 96)).astype(np.float32)
KEY = bytes(range(32))


@pytest.fixture
def file(tmp_path) -> Path:
    np.save(tmp_path / "values.npy", VALUES)
    return tmp_path / "values.npy"


@pytest.fixture
def key_file(tmp_path) -> Path:
    made = tmp_path / "key"
    made.write_text(KEY.hex())
    made.chmod(0o600)
    return made


@pytest.fixture
def filled(run, file, place) -> Path:
    run("store", place, "w", file)
    np.save(file, VALUES + 1)
    run("store", place, "w", file, "--max-error", "0.1")
    np.save(file, np.arange(5))
    run("store", place, "n", file)
    return place


def test_a_tensor_is_stored_and_regrown(run, run_json, file, place, tmp_path) -> None:
    told = run_json("store", place, "w", file)
    assert (told["name"], told["version"], told["form"]) == ("w", 1, "whole")
    assert (told["dtype"], told["shape"], told["bytes"]) == ("float32", [128, 96], VALUES.nbytes)
    assert (told["error"], told["largest_error"], told["parent"]) == (0, 0, None)
    assert told["base"] % 512 == 0
    assert told["ratio"] == told["stored_bytes"] / told["bytes"] < 1
    out = tmp_path / "out.npy"
    printed = run("load", place, "w", "-o", out)
    assert "version 1 of w: 49.2 kB in" in printed
    np.testing.assert_array_equal(np.load(out), VALUES)


def test_bounds_are_kept_and_told(run, run_json, fail, file, place, tmp_path) -> None:
    told = run_json("store", place, "w", file, "--ratio", "0.3")
    assert told["ratio"] <= 0.3
    assert told["error"] > 0
    out = tmp_path / "out.npy"
    run("load", place, "w", "-o", out)
    found = np.linalg.norm(np.load(out) - VALUES) / np.linalg.norm(VALUES)
    assert told["error"] == pytest.approx(found, rel=1e-3)
    told = run_json("store", place, "w", file, "-e", "0.01", "--codec", "grouped")
    assert (told["version"], told["codec"]) == (2, "grouped")
    assert told["error"] <= 0.01
    assert run_json("store", place, "w", file, "--exact")["error"] == 0
    assert "a ratio of 0.001" in fail(3, "store", place, "w", file, "-r", "0.001")


def test_tensors_go_through_pipes(place) -> None:
    buffer = io.BytesIO()
    np.save(buffer, VALUES)
    words = ["store", str(place), "w", "-"]
    assert CliRunner().invoke(app, words, input=buffer.getvalue()).exit_code == 0
    done = CliRunner().invoke(app, ["load", str(place), "w", "-o", "-"])
    assert done.exit_code == 0
    np.testing.assert_array_equal(np.load(io.BytesIO(done.stdout_bytes)), VALUES)


def test_bfloat16_is_written_as_its_bits(run, place, tmp_path) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    values = VALUES.astype(ml_dtypes.bfloat16)
    with engram.open(place) as memory:
        memory.store("b", values)
    run("load", place, "b", "-o", tmp_path / "b.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "b.npy"), values.view(np.uint16))


def test_tensors_are_listed(run, run_json, filled, place, tmp_path) -> None:
    listed = run_json("tensors", filled)["tensors"]
    assert [(each["name"], each["version"]) for each in listed] == [("n", 1), ("w", 2)]
    printed = run("tensors", filled)
    assert "2 tensors, 49.2 kB in" in printed
    assert "128x96" in printed
    engram.open(tmp_path / "empty").close()
    assert run("tensors", tmp_path / "empty") == "no tensors\n"


def test_older_versions_are_regrown_and_gone_back_to(run, run_json, fail, filled, tmp_path) -> None:
    versions = run_json("history", filled, "w")["versions"]
    assert [each["version"] for each in versions] == [1, 2]
    assert versions[1]["parent"] in (versions[0]["digest"], None)
    assert "whole" in run("history", filled, "w")
    out = tmp_path / "out.npy"
    run("load", filled, "w", "-o", out, "--version", 1)
    np.testing.assert_array_equal(np.load(out), VALUES)
    assert run("rollback", filled, "w", 1) == "version 1 of w is the latest again\n"
    run("load", filled, "w", "-o", out, "--force")
    np.testing.assert_array_equal(np.load(out), VALUES)
    fail(3, "load", filled, "w", "-o", tmp_path / "x.npy", "--version", 2)
    fail(3, "rollback", filled, "w", 9)


def test_tensors_are_dropped_all_or_none(run, run_json, fail, filled) -> None:
    assert fail(3, "drop", filled, "w", "v") == "no tensor has the name 'v'"
    assert run("drop", filled, "w", "w") == "dropped 1 tensor; 1 tensor left\n"
    assert run_json("drop", filled, "n") == {"dropped": 1, "tensors": 0}
    fail(3, "history", filled, "w")


def test_a_descriptor_is_inspected_in_its_directory_and_as_a_file(
    run, run_json, fail, filled, tmp_path, key_file
) -> None:
    descriptor = tmp_path / "w.descriptor"
    told = run_json("inspect", filled, "w", "-o", descriptor)
    assert told.pop("verified") is True
    assert told["stored_bytes"] == descriptor.stat().st_size
    alone = run_json("inspect", descriptor)
    assert alone.pop("verified") is False
    assert alone == told
    assert "no: no key was given" in run("inspect", descriptor)
    assert "yes" in run("inspect", filled, "w", "--version", 1)
    # Of the memory's seed, and so not of this key.
    assert "MAC" in fail(4, "inspect", descriptor, "--key-file", key_file)
    data = descriptor.read_bytes()
    descriptor.write_bytes(data[:-40])
    fail(4, "inspect", descriptor)


def test_keys_sign_and_verify(run, fail, run_json, file, place, key_file, tmp_path, monkeypatch):
    run("store", place, "w", file, "--key-file", key_file)
    out = tmp_path / "out.npy"
    assert "MAC" in fail(4, "load", place, "w", "-o", out)
    assert not out.exists()
    run("load", place, "w", "-o", out, "--key-file", key_file)
    monkeypatch.setenv("ENGRAM_KEY", KEY.hex())
    assert run_json("inspect", place, "w", "-o", tmp_path / "d")["verified"]
    assert run_json("inspect", tmp_path / "d")["verified"]
    key_file.chmod(0o644)
    assert "must have mode 0600" in fail(2, "tensors", place, "--key-file", key_file)


def test_wrong_use_is_told_in_one_line(fail, file, filled, tmp_path) -> None:
    text = tmp_path / "text"
    text.write_text("[1, 2]")
    assert "FILE must be a .npy file" in fail(2, "store", filled, "x", text)
    np.save(tmp_path / "objects.npy", np.array([{}], object), allow_pickle=True)
    assert "FILE must be a .npy file" in fail(2, "store", filled, "x", tmp_path / "objects.npy")
    assert "codec must be" in fail(2, "store", filled, "x", file, "--codec", "zip")
    assert "it exists" in fail(5, "load", filled, "w", "-o", file)
    assert "NAME must be given" in fail(2, "inspect", filled)
    assert "must be left out" in fail(2, "inspect", text, "w")
    assert "descriptor" in fail(4, "inspect", text)
    fail(3, "load", filled, "v", "-o", tmp_path / "x.npy")
    for command in (["tensors"], ["history", "w"], ["drop", "w"]):
        told = fail(3, command[0], tmp_path / "none", *command[1:])
        assert told.endswith("holds no memory")
