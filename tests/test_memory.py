"""A memory from opening to closing: what it is, says and reports."""

import json
import logging
import subprocess
import sys

import numpy as np
import pytest

import engram
from engram import registry
from engram.arch.laws import LAWS


def test_a_memory_needs_no_settings() -> None:
    with engram.open() as memory:
        assert (memory.seed, memory.law, memory.path, memory.quota) == (0, LAWS[1], None, None)
        assert memory.name == ""
        assert memory.device == "cpu"


def test_the_same_seed_gives_the_same_words_again(device) -> None:
    with engram.open(seed=5, device=device) as one, engram.open(seed=5, device=device) as two:
        assert one.read(0, 100).tolist() == two.read(0, 100).tolist()
        with engram.open(seed=6, device=device) as other:
            assert not set(one.read(0, 100).tolist()) & set(other.read(0, 100).tolist())


def test_words_of_one_seed_all_differ(memory) -> None:
    words = np.concatenate([memory.read(start, 1000) for start in (0, 2**32 - 500, 2**64 - 1000)])
    assert len(np.unique(words)) == 3000


def test_auto_says_what_it_chose(caplog) -> None:
    with caplog.at_level(logging.INFO, "engram"), engram.open() as memory:
        assert f"device auto: spaces on {memory.device}" in caplog.text


def test_a_space_may_run_elsewhere() -> None:
    with engram.open(device="cpu", space="golden") as memory:
        assert memory.device == "golden"


def test_a_device_that_cannot_be_had_says_why(monkeypatch) -> None:
    broken = registry._Device("engram.nowhere:Space", "broken", "install the missing part")
    monkeypatch.setitem(registry._SPACE_DEVICES, "broken", broken)
    with pytest.raises(engram.DeviceUnavailable, match=r"'broken' cannot be had .*: install the"):
        engram.open(device="broken")
    (status,) = [status for status in registry.devices() if status.name == "broken"]
    assert not status.available
    assert "install the missing part" in status.reason
    spaces = [status for status in registry.devices() if status.serves == "spaces"]
    assert [s.available for s in spaces if s.name in ("cpu", "golden")] == [True, True]
    monkeypatch.setattr(registry, "_AUTO_ORDER", ("broken",))
    with pytest.raises(engram.DeviceUnavailable, match=r"no device can serve spaces: .*install"):
        engram.open()
    monkeypatch.setattr(registry, "_AUTO_ORDER", ("broken", "golden"))
    with engram.open() as memory:
        assert memory.device == "golden"


def test_a_closed_memory_refuses_everything(open_memory) -> None:
    memory = open_memory(seed=3)
    space = memory.spaces("a")
    memory.close()
    memory.close()
    for call in (
        lambda: memory[0],
        lambda: memory[0:5],
        lambda: memory.read(0),
        lambda: memory.read(0, 5),
        lambda: memory.read([0]),
        lambda: memory.write(0, 1),
        lambda: memory.__setitem__(0, 1),
        lambda: memory.write(0, [1]),
        lambda: memory.write([0], 1),
        lambda: memory.erase(0),
        lambda: memory.erase([0]),
        lambda: memory.is_written(0),
        lambda: memory.invert(0),
        lambda: memory.written_words,
        lambda: memory.flush(),
        lambda: memory.report(),
        lambda: memory.spaces("a"),
        lambda: memory.refresh(),
        lambda: memory.compact(),
        lambda: space[0],
        lambda: space.write(0, 1),
        lambda: space.write(0, [1]),
        lambda: space.written_words,
    ):
        with pytest.raises(ValueError, match="the memory must be open, not closed"):
            call()
    assert memory.seed == 3
    assert "closed" in repr(memory)


@pytest.mark.parametrize("durability", ["flush", "return"])
def test_a_closed_directory_refuses_writes(tmp_path, durability) -> None:
    memory = engram.open(tmp_path / "memory", durability=durability)
    memory.close()
    for call in (
        lambda: memory.write(0, 1),
        lambda: memory.write(0, [1]),
        lambda: memory.erase(0),
        lambda: memory.flush(),
        lambda: memory.compact(),
    ):
        with pytest.raises(ValueError, match="must be open, not closed"):
            call()


def test_leaving_the_context_closes_even_after_an_error(tmp_path) -> None:
    def stumble() -> None:
        with engram.open(tmp_path / "memory") as memory:
            memory[0] = 5
            raise KeyError

    with pytest.raises(KeyError):
        stumble()
    with engram.open(tmp_path / "memory") as memory:
        assert memory[0] == 5


def test_a_memory_names_its_place_and_state(tmp_path, device) -> None:
    with engram.open(seed=255, device=device) as memory:
        assert repr(memory) == f"<Memory in RAM on {device}, seed 0xff, 0 words written>"
    with engram.open(tmp_path / "m", device=device) as memory:
        memory[0] = 1
        assert repr(memory) == f"<Memory in '{tmp_path}/m' on {device}, seed 0x0, 1 words written>"


def test_a_report_is_numbers_and_a_table(tmp_path, device) -> None:
    with engram.open(tmp_path / "m", seed=3, device=device) as memory:
        memory.write(0, np.arange(1000))
        memory.spaces("tenant", quota=5).read(0, 2000)
        memory.flush()
        report = memory.report()
        root, tenant = report.spaces
        assert (root.name, root.written_words, root.seed, root.law) == ("", 1000, 3, 1)
        assert (tenant.name, tenant.read_words, tenant.quota) == ("tenant", 2000, 5)
        assert tenant.generated_words == 2000
        assert report.generated_bytes == 16_000
        assert report.log_words == 1000
        assert report.disk_bytes > 0
        assert report.ram_bytes == root.ram_bytes + tenant.ram_bytes
        assert json.loads(json.dumps(report.to_dict()))["spaces"][1]["read_words"] == 2000
        text = str(report)
        assert f"memory on {device}, {tmp_path}/m, durable at flush" in text
        assert "(root)" in text
        assert "generated, never stored: 16.0 KB" in text
        lines = text.splitlines()
        rows = [line for line in lines if line.startswith(("space", "(root)", "tenant"))]
        assert len({len(row) for row in rows}) == 1
    with engram.open(device=device) as memory:
        assert "in RAM" in str(memory.report())
        assert "on disk" not in str(memory.report())


def test_counts_go_on_over_a_refresh(tmp_path) -> None:
    with engram.open(tmp_path / "m") as writer:
        writer.write(0, np.arange(10))
        writer.flush()
        with engram.open(tmp_path / "m", read_only=True) as reader:
            reader.read(0, 100)
            writer.compact()
            reader.refresh()
            assert reader.report().spaces[0].read_words == 100


def test_the_module_names_what_it_offers() -> None:
    code = "import engram; print(sorted(set(engram.__all__) - set(dir(engram))), 'left')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("[] left")
    for name in engram.__all__:
        assert getattr(engram, name).__name__ == name
    with pytest.raises(AttributeError, match="module 'engram' has no attribute 'nothing'"):
        _ = engram.nothing
    assert issubclass(engram.StoreFull, engram.EngramError)
