"""PyTorch's tensors go in and come out, bfloat16 as itself."""

import pytest

import engram

torch = pytest.importorskip("torch")

KINDS = ["bool", "int8", "int16", "int32", "int64", "uint8", "float16", "bfloat16", "float32",
         "float64", "complex64", "complex128"]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_tensor_comes_back_as_it_was(kind) -> None:
    values = (torch.arange(-6, 6).reshape(3, 4) / 3).to(getattr(torch, kind)).t()
    with engram.open() as memory:
        descriptor = memory.store("a", values)
        assert (descriptor.dtype, descriptor.shape) == (kind, (4, 3))
        found = memory.load("a", like="torch")
        assert found.dtype == values.dtype
        assert torch.equal(found, values)
        found.zero_()
        assert torch.equal(memory.load("a", like="torch"), values)
        out = torch.empty(4, 3, dtype=values.dtype)
        assert memory.load("a", out=out) is out
        assert torch.equal(out, values)


def test_bfloat16_is_sixteen_bits_to_numpy() -> None:
    values = torch.tensor([1.0, -2.5, float("nan")], dtype=torch.bfloat16)
    with engram.open() as memory:
        memory.store("a", values)
        found = memory.load("a")
        assert found.dtype.itemsize == 2
        assert found.tobytes() == values.view(torch.int16).numpy().tobytes()


def test_what_numpy_cannot_hold_is_refused() -> None:
    with engram.open() as memory:
        with pytest.raises(TypeError, match="tensor must be"):
            memory.store("a", torch.eye(3).to_sparse())
        with pytest.raises(TypeError, match="tensor must be"):
            memory.store("a", torch.zeros(3, dtype=torch.float8_e4m3fn))
        memory.store("a", torch.ones(3))
        with pytest.raises(ValueError, match="like"):
            memory.load("a", like="jax")
