"""engram import and engram export: safetensors files, whole or as what changed."""

import json
import struct

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import engram
from engram.errors import CannotMeet, NotFound
from engram.tensors.checkpoints import SafetensorsFile, keep


def model(seed: int = 0) -> dict:
    chance = np.random.default_rng(seed)
    return {
        "layers.0.weight": chance.standard_normal((96, 128)).astype(np.float32),
        "layers.1.weight": chance.standard_normal((96, 96)).astype(np.float16),
        "layers.0.bias": chance.standard_normal(96).astype(np.float32),
        "ids": chance.integers(0, 1000, 5000),
        "flag": np.array(True),
        "none": np.zeros((0, 3), np.float64),
        "phase": np.exp(1j * chance.standard_normal(7)).astype(np.complex64),
    }


@pytest.fixture
def file(tmp_path):
    save_file(model(), tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def test_models_come_back_bit_for_bit(run, run_json, file, place, tmp_path) -> None:
    told = run_json("import", place, file)
    plain = sum(array.nbytes for array in model().values())
    assert (told["tensors"], told["bytes"], told["changed"]) == (7, plain, 0)
    out = tmp_path / "out.safetensors"
    assert run("export", place, out).startswith(f"{out}: 7 tensors, ")
    found = load_file(out)
    assert set(found) == set(model())
    for name, array in model().items():
        np.testing.assert_array_equal(found[name], array, strict=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "memory", "model.safetensors", "out.safetensors",
    ]  # fmt: skip


def test_bfloat16_comes_back(run, place, tmp_path) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    bits = np.random.default_rng(0).integers(0, 1 << 16, (40, 50), np.uint16)
    save_file({"b": bits.view(ml_dtypes.bfloat16)}, tmp_path / "in.safetensors")
    run("import", place, tmp_path / "in.safetensors")
    run("export", place, tmp_path / "out.safetensors")
    np.testing.assert_array_equal(
        load_file(tmp_path / "out.safetensors")["b"].view(np.uint16), bits
    )


def test_a_bound_holds_for_all_that_may_be_rounded(run, run_json, file, place) -> None:
    told = run_json("import", place, file, "--ratio", "0.3", "--prefix", "m/")
    assert told["stored_bytes"] < told["bytes"]
    listed = {each["name"]: each for each in run_json("tensors", place)["tensors"]}
    assert set(listed) == {"m/" + name for name in model()}
    for name, each in listed.items():
        if name.endswith("weight"):
            assert each["ratio"] <= 0.3
            assert each["error"] > 0
        else:
            assert each["error"] == 0


def test_exports_take_a_prefix_off(run, fail, file, place, tmp_path) -> None:
    run("import", place, file, "--prefix", "a/")
    out = tmp_path / "out.safetensors"
    assert "7 tensors" in run("export", place, out, "--prefix", "a/")
    assert set(load_file(out)) == set(model())
    assert "it exists" in fail(5, "export", place, out)
    assert "no tensor whose name begins with 'b/'" in fail(
        3, "export", place, tmp_path / "x", "--prefix", "b/"
    )


def test_a_tuned_model_costs_what_changed(run, run_json, file, place, tmp_path) -> None:
    run("import", place, file)
    tuned = model()
    weight = tuned["layers.0.weight"]
    weight[::8] += np.float32(1e-3) * weight[::8]
    tuned["new"] = np.arange(9)
    tuned["ids"] = tuned["ids"].astype(np.int32)
    save_file(tuned, tmp_path / "tuned.safetensors")
    told = run_json("import", place, tmp_path / "tuned.safetensors", "--changes")
    versions = run_json("history", place, "layers.0.weight")["versions"]
    assert [each["form"] for each in versions] == ["whole", "flip"]
    assert versions[1]["ratio"] < 0.15
    assert versions[1]["error"] == 0
    assert told["tensors"] == 8
    assert told["changed"] >= 1
    out = tmp_path / "out.safetensors"
    run("export", place, out)
    found = load_file(out)
    for name, array in tuned.items():
        np.testing.assert_array_equal(found[name], array, strict=True)
    with engram.open(place, read_only=True) as memory:
        np.testing.assert_array_equal(memory.load("layers.0.weight", 1), model()["layers.0.weight"])


def test_progress_is_told_for_every_tensor(place) -> None:
    told = []
    with engram.open(place) as memory:
        keep(memory, model(), progress=lambda *step: told.append(step))
        keep(memory, model(1), against_parents=True, progress=lambda *step: told.append(step))
    assert {name for name, _, _ in told[:7]} == {name for name, _, _ in told[7:]} == set(model())
    assert [step[1:] for step in told] == [(done, 7) for done in (*range(1, 8), *range(1, 8))]


def test_bounds_that_cannot_be_or_cannot_be_met_are_refused(place) -> None:
    with engram.open(place) as memory:
        with pytest.raises(ValueError, match="against_parents must go without bounds"):
            keep(memory, model(), against_parents=True, ratio=0.1)
        with pytest.raises(ValueError, match="small must be a number of elements"):
            keep(memory, model(), small=-1)
        with pytest.raises(CannotMeet):
            keep(memory, model(), ratio=1e-4)
        with pytest.raises(NotFound):
            memory.load("layers.0.weight")


def test_what_is_no_such_file_is_refused(fail, place, tmp_path) -> None:
    file = tmp_path / "wrong.safetensors"
    for data in (b"", b"\xff" * 40, b"hello world, this is text"):
        file.write_bytes(data)
        assert "must be a safetensors file" in fail(2, "import", place, file)
    header = json.dumps({"x": {"dtype": "F8_E4M3", "shape": [2], "data_offsets": [0, 2]}}).encode()
    file.write_bytes(struct.pack("<Q", len(header)) + header + b"ab")
    assert "tensor 'x' must have elements of bool" in fail(2, "import", place, file)
    assert "No such file" in fail(5, "import", place, tmp_path / "none")
    assert not place.exists()
    with pytest.raises(ValueError, match="must be a safetensors file"):
        SafetensorsFile(tmp_path / "wrong.safetensors" if file.write_bytes(b"") == 0 else file)


def test_complex128_has_no_place_in_such_a_file(fail, place, tmp_path) -> None:
    with engram.open(place) as memory:
        memory.store("z", np.ones(3, np.complex128))
    out = tmp_path / "out.safetensors"
    assert "which safetensors lacks" in fail(2, "export", place, out)
    assert not out.exists()
