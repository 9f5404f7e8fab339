"""Programs that stand in a worker's place: each goes wrong, or looks on, in its own way."""

import os
import time

BOOT = "import sys; del sys.path[0]; sys.path.append(sys.argv[1]); "
SERVE = BOOT + "from lava_procs.worker import main; main()"
SILENT = "import time; time.sleep(600)"
GARBAGE = "import sys; sys.stdout.write('hello, I am your worker' * 9); sys.stdout.flush()"
DEAD = "import sys; sys.exit('the chip is on fire')"
NEWER = BOOT + (
    "from lava_procs.wire import frame\n"
    "sys.stdout.buffer.writelines(frame({'ok': True, 'hello': 'lava_procs', 'version': 2}))"
)
# Greets like a worker; then each call is answered by what follows.
_GREETING = BOOT + (
    "import os, subprocess, time\n"
    "from lava_procs.wire import VERSION, frame, receive\n"
    "def tell(head):\n"
    "    sys.stdout.buffer.writelines(frame(head)); sys.stdout.flush()\n"
)
_HELLO = "tell({'ok': True, 'hello': 'lava_procs', 'version': VERSION, 'child': child})\n"
PARENT = _GREETING + (
    "child = subprocess.Popen(['sleep', '600']).pid\n" + _HELLO + "time.sleep(600)"
)
TURNS_TO_GARBAGE = _GREETING + (
    "child = 0\n" + _HELLO + "receive(sys.stdin.buffer.read); print('x' * 99, flush=True)\n"
    "time.sleep(600)"
)
DIES_IN_CALL = _GREETING + (
    "child = 0\n" + _HELLO + "receive(sys.stdin.buffer.read); os.kill(os.getpid(), 9)"
)
NEVER_READS = _GREETING + "child = 0\n" + _HELLO + "time.sleep(600)"
CHATTY = BOOT + (
    "import os, lava_procs.worker as worker\n"
    "answer = worker.Server.answer\n"
    "def noisy(self, head, arrays):\n"
    "    print('noise', flush=True); os.system('echo more noise; cat')\n"
    "    return answer(self, head, arrays)\n"
    "worker.Server.answer = noisy\n"
    "worker.main()"
)


def is_running(process: int) -> bool:
    """Return whether a process runs; one that is dead and not yet waited for does not."""
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def has_ended(process: int, seconds: float = 10.0) -> bool:
    """Return whether a process ends within so long."""
    deadline = time.monotonic() + seconds
    while is_running(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def environment(root: str) -> dict[str, str]:
    """Return variables with which a script finds engram and lava_procs."""
    return os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{root}/host"}
