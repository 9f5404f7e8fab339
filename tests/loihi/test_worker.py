"""The client of a worker: every failure has a name and a bound, and nothing is left running."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from engram.errors import DeviceFault, DeviceTimeout, DeviceUnavailable
from engram.loihi.worker import Worker
from lava_procs.wire import VERSION
from tests.loihi import programs

ROOT = Path(__file__).parents[2]
PING = {"seconds": 20.0}


def worker(program: str = programs.SERVE, **settings: float) -> Worker:
    return Worker(sys.executable, program=program, **settings)


def run_script(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=programs.environment(str(ROOT)),
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_worker_answers_calls_until_it_is_closed() -> None:
    served = worker()
    assert served.hello["version"] == VERSION
    assert served.alive
    assert served.call("ping", **PING)[0]["ok"]
    served.close()
    served.close()
    assert not served.alive
    assert not programs.is_running(served.pid)
    with pytest.raises(DeviceFault, match="has ended"):
        served.call("ping", **PING)


def test_an_error_in_the_worker_comes_back_with_its_class_and_the_worker_lives_on() -> None:
    served = worker()
    with pytest.raises(DeviceFault, match="failed in the worker: ValueError: call must be one of"):
        served.call("dance", **PING)
    with pytest.raises(DeviceFault, match="open must come before race"):
        served.call("race", [np.zeros((1, 4), np.int8)], count=1, **PING)
    assert served.call("ping", **PING)[0]["ok"]
    served.close()


def test_what_the_worker_or_its_children_print_and_read_is_not_among_the_frames() -> None:
    served = worker(programs.CHATTY)
    for _ in range(3):
        assert served.call("ping", **PING)[0]["ok"]
    served.close()


def test_a_missing_interpreter_is_named_with_the_fix() -> None:
    with pytest.raises(DeviceUnavailable, match=r"'/nowhere/python'.*ENGRAM_LAVA_PYTHON"):
        Worker("/nowhere/python")


def test_a_worker_of_another_version_is_refused() -> None:
    with pytest.raises(DeviceUnavailable, match=f"version 2 of the frames, not {VERSION}"):
        worker(programs.NEWER)


def test_a_worker_that_dies_at_once_leaves_its_last_words() -> None:
    with pytest.raises(DeviceFault, match=r"died \(exit status 1\): the chip is on fire"):
        worker(programs.DEAD)


def test_garbage_instead_of_a_hello_is_a_fault() -> None:
    with pytest.raises(DeviceFault, match="what is no frame: a frame must start with"):
        worker(programs.GARBAGE)


def test_silence_instead_of_a_hello_is_a_timeout() -> None:
    with pytest.raises(DeviceTimeout, match="did not answer"):
        worker(programs.SILENT, start_seconds=0.2)


def test_garbage_instead_of_an_answer_ends_the_worker() -> None:
    served = worker(programs.TURNS_TO_GARBAGE)
    with pytest.raises(DeviceFault, match="what is no frame"):
        served.call("ping", **PING)
    assert programs.has_ended(served.pid)
    with pytest.raises(DeviceFault, match="has ended"):
        served.call("ping", **PING)


def test_death_in_the_middle_of_a_call_is_a_fault() -> None:
    served = worker(programs.DIES_IN_CALL)
    with pytest.raises(DeviceFault, match=r"died \(signal 9\)"):
        served.call("ping", **PING)


def test_a_stopped_worker_is_a_timeout_and_is_ended_all_the_same() -> None:
    served = worker()
    os.kill(served.pid, signal.SIGSTOP)
    with pytest.raises(DeviceTimeout, match=r"did not answer ping within 0\.2 s"):
        served.call("ping", seconds=0.2)
    assert programs.has_ended(served.pid)


def test_a_worker_that_does_not_read_is_a_timeout_too() -> None:
    served = worker(programs.NEVER_READS)
    with pytest.raises(DeviceTimeout):
        served.call("write", [np.zeros(1 << 22, np.int8)], seconds=0.2)
    assert programs.has_ended(served.pid)


def test_a_large_request_and_a_large_answer_pass() -> None:
    served = worker()
    with pytest.raises(DeviceFault, match="open must come before write"):
        served.call("write", [np.zeros(1 << 24, np.int8)], seconds=60.0)
    served.close()


def test_children_of_a_worker_end_with_it() -> None:
    served = worker(programs.PARENT)
    child = served.hello["child"]
    assert programs.is_running(child)
    served.close()
    assert programs.has_ended(child)


def test_a_dropped_worker_ends() -> None:
    served = worker()
    process = served.pid
    del served
    gc.collect()
    assert programs.has_ended(process)


def test_an_interruption_ends_the_worker_instead_of_leaving_it_in_the_middle_of_a_frame() -> None:
    served = worker(programs.NEVER_READS)
    host = threading.get_ident()
    threading.Timer(0.2, signal.pthread_kill, [host, signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        served.call("ping", seconds=30.0)
    assert programs.has_ended(served.pid)


@pytest.mark.parametrize("end", ["pass", "import os, signal; os.kill(os.getpid(), 9)"])
def test_a_worker_ends_with_its_host_however_that_one_ends(end) -> None:
    done = run_script(
        "import sys\n"
        "from engram.loihi.worker import Worker\n"
        "worker = Worker(sys.executable)\n"
        "print(worker.pid, flush=True)\n" + end
    )
    assert programs.has_ended(int(done.stdout)), done.stderr


def test_a_fork_of_the_host_can_neither_use_nor_end_the_worker() -> None:
    done = run_script(
        "import os, sys\n"
        "from engram.errors import DeviceFault\n"
        "from engram.loihi.worker import Worker\n"
        "worker = Worker(sys.executable)\n"
        "if os.fork() == 0:\n"
        "    try:\n"
        "        worker.call('ping', seconds=5)\n"
        "    except DeviceFault as error:\n"
        "        print(error, flush=True)\n"
        "    worker.close()\n"
        "    sys.exit()\n"
        "os.wait()\n"
        "print(worker.call('ping', seconds=20)[0]['ok'])\n"
    )
    assert "belongs to process" in done.stdout, done.stderr
    assert done.stdout.splitlines()[-1] == "True", done.stderr


def test_calls_of_several_threads_wait_for_one_another() -> None:
    served = worker()
    answers: list[bool] = []

    def call() -> None:
        for _ in range(20):
            answers.append(served.call("ping", **PING)[0]["ok"])

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    served.close()
    assert answers == [True] * 80


def test_a_deadline_is_kept_even_if_bytes_keep_coming() -> None:
    slow = programs.NEVER_READS.replace(
        "time.sleep(600)",
        "sys.stdout.buffer.write(frame({'x': 'y' * 9999})[0][:24])\n"
        "while True: sys.stdout.buffer.write(b'\"'); sys.stdout.flush(); time.sleep(0.05)",
    )
    served = worker(slow)
    started = time.monotonic()
    with pytest.raises(DeviceTimeout):
        served.call("ping", seconds=0.3)
    # Only that it ends at all: without a deadline it would take ten minutes.
    assert time.monotonic() - started < 60
