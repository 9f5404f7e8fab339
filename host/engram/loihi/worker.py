"""One worker process on the other end of two pipes: every wait bounded, nothing left behind."""

import contextlib
import os
import select
import signal
import subprocess
import tempfile
import threading
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from numpy.typing import NDArray

import lava_procs
from engram.errors import DeviceFault, DeviceTimeout, DeviceUnavailable
from lava_procs.wire import VERSION, Frame, WireError, frame, receive

__all__ = ["START_SECONDS", "Worker"]

START_SECONDS = 60.0  # an import from a cold disk on a busy machine; usually 0.2
_STOP_SECONDS = 1.0
_POLL_SECONDS = 0.005
_CHUNK = 1 << 20
_TOLD = 600  # characters of a dead worker's last words in an error

# The folder of lava_procs may be this Python's site-packages, whose other packages the worker's
# Python must not see first; and the folder it is started in is none of its packages at all.
_BOOT = (
    "import sys; del sys.path[0]; sys.path.append(sys.argv[1]); "
    "from lava_procs.worker import main; main()"
)
# Errors of the worker that another try cannot mend: a package or the chip lacks something.
_LASTING = ("ModuleNotFoundError", "ImportError", "ChipLimit", "BuildError")


class Worker:
    """A process that serves a memory; it ends with ``close``, with this object, or with the host.

    A call that fails in any way but an error of the worker's own leaves the streams in an unknown
    state: the process is ended at once, and every later call raises DeviceFault.
    """

    def __init__(
        self,
        interpreter: str | os.PathLike[str],
        *,
        program: str = _BOOT,
        start_seconds: float = START_SECONDS,
    ) -> None:
        """Start the process and wait for its hello.

        Args:
            interpreter: a Python that has the packages of the memory to be served.
            program: what it runs; its argument is the folder of lava_procs.
            start_seconds: how long to wait for the hello.

        Raises:
            DeviceUnavailable: there is no such program, or it speaks another version.
            DeviceFault, DeviceTimeout: it died, said something else, or said nothing.
        """
        self._lock = threading.RLock()
        self._owner = os.getpid()
        held = contextlib.ExitStack()
        descriptor, name = tempfile.mkstemp(prefix="engram-worker-")
        self._log = held.enter_context(os.fdopen(descriptor, "w+b"))
        os.unlink(name)  # the file goes with the last who has it open, however that one ends
        try:
            process = subprocess.Popen(
                [os.fspath(interpreter), "-W", "ignore", "-c", program, _folder()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env=_environment(),
                bufsize=0,
                start_new_session=True,  # a group of its own, which can be ended as one
            )
        except OSError as error:
            held.close()
            raise DeviceUnavailable(
                f"the worker cannot be started with {os.fspath(interpreter)!r} "
                f"({error.strerror}): set ENGRAM_LAVA_PYTHON to a Python that has lava-nc"
            ) from error
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._requests: IO[bytes] = process.stdin
        self._replies: IO[bytes] = process.stdout
        os.set_blocking(self._requests.fileno(), False)
        # Also runs when the interpreter exits, and when nobody holds this object any more.
        self._end = weakref.finalize(self, _end, process, held, self._owner)
        self.hello = self._greet(time.monotonic() + start_seconds)

    @property
    def pid(self) -> int:
        """The process, which leads its group."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs, as far as is known without asking it."""
        return self._end.alive and not _exited(self._process, 0)

    def call(
        self, name: str, arrays: Sequence[NDArray[Any]] = (), *, seconds: float, **head: Any
    ) -> Frame:
        """Do one call and return the head and the arrays of its answer.

        Raises:
            DeviceUnavailable: the worker lacks a package, or its device cannot do this.
            DeviceFault: the worker died, said what is no frame, or reported an error.
            DeviceTimeout: the answer did not come within ``seconds``.
        """
        with self._lock:
            if os.getpid() != self._owner:
                raise DeviceFault(f"the worker belongs to process {self._owner}, not this one")
            if not self._end.alive:
                raise DeviceFault("the worker has ended")
            pieces = frame({"call": name, **head}, arrays)
            deadline = time.monotonic() + seconds
            reply, results = self._exchange(pieces, deadline, f"{name} within {seconds:g} s")
        if not reply.get("ok"):
            text = f"{name} failed in the worker: {reply.get('error')}: {reply.get('text')}"
            if reply.get("error") in _LASTING:
                raise DeviceUnavailable(text)
            raise DeviceFault(text)
        return reply, results

    def close(self) -> None:
        """End the process and all that it started; does nothing the second time."""
        self._end()

    def _greet(self, deadline: float) -> dict[str, Any]:
        """Return the worker's first frame: the versions of its packages."""
        hello, _ = self._exchange([], deadline, "its hello in time")
        if hello.get("hello") != "lava_procs" or hello.get("version") != VERSION:
            self.close()
            raise DeviceUnavailable(
                f"the worker speaks version {hello.get('version')!r} of the frames, not "
                f"{VERSION}: install lava_procs and engram of the same release"
            )
        return hello

    def _exchange(self, pieces: Sequence[bytes | memoryview], deadline: float, what: str) -> Frame:
        """Send a frame and return the next one; whatever goes wrong ends the process."""
        try:
            for piece in pieces:
                self._write(piece, deadline)
            return receive(lambda count: self._read(count, deadline))
        except (EOFError, BrokenPipeError):
            status = _exited(self._process, _STOP_SECONDS) or "unknown, still running"
            text = f"the worker died ({status}){self._last_words()}"
            self.close()
            raise DeviceFault(text) from None
        except WireError as error:
            text = f"the worker sent what is no frame: {error}{self._last_words()}"
            self._abandon()
            raise DeviceFault(text) from None
        except TimeoutError:
            self._abandon()
            raise DeviceTimeout(f"the worker did not answer {what}") from None
        except BaseException:  # an interruption, in the middle of a frame
            self._abandon()
            raise

    def _abandon(self) -> None:
        """End a worker that is in no state to end itself."""
        _kill(self._process)
        self.close()

    def _write(self, data: bytes | memoryview, deadline: float) -> None:
        left = memoryview(data)
        while left:
            _wait(self._requests, select.POLLOUT, deadline)
            with contextlib.suppress(BlockingIOError):
                left = left[os.write(self._requests.fileno(), left[:_CHUNK]) :]

    def _read(self, count: int, deadline: float) -> bytearray:
        # Grown as it comes: a wrong length must not make the host take memory.
        data = bytearray()
        while len(data) < count:
            _wait(self._replies, select.POLLIN, deadline)
            chunk = os.read(self._replies.fileno(), min(count - len(data), _CHUNK))
            if not chunk:
                raise EOFError
            data += chunk
        return data

    def _last_words(self) -> str:
        length = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, length - _TOLD))
        text = " ".join(self._log.read().decode(errors="replace").split())
        return f": {text}" if text else ""


def _folder() -> str:
    """Return the folder that holds lava_procs: a checkout, or site-packages."""
    return str(Path(lava_procs.__path__[0]).resolve().parent)


def _environment() -> dict[str, str]:
    """Return the worker's variables: none that leads its Python astray, one thread a library."""
    variables = {key: text for key, text in os.environ.items() if not key.startswith("PYTHON")}
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    return variables | dict.fromkeys(threads, "1")


def _wait(stream: IO[bytes], event: int, deadline: float) -> None:
    left = deadline - time.monotonic()
    poll = select.poll()
    poll.register(stream, event)
    if left <= 0 or not poll.poll(1 + left * 1000):
        raise TimeoutError


def _exited(process: subprocess.Popen[bytes], seconds: float) -> str:
    """Return how a process has ended, or "" if it has not within so long; it is not reaped."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
        except ChildProcessError:
            return "exit status unknown"
        if ended is not None:
            by_signal = ended.si_code != os.CLD_EXITED
            return f"{'signal' if by_signal else 'exit status'} {ended.si_status}"
        if time.monotonic() >= deadline:
            return ""
        time.sleep(_POLL_SECONDS)


def _end(process: subprocess.Popen[bytes], held: contextlib.ExitStack, owner: int) -> None:
    """End a worker's whole group: kindly by closing its stdin, then by force."""
    if os.getpid() != owner:  # a fork of the host has the object too, but not the process
        return
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    _exited(process, _STOP_SECONDS)
    _kill(process)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    held.close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a group by force: children may outlive the worker, and it may be stopped itself."""
    # It has not been waited for, so nobody else can have got its number.
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
