"""What runs a circuit: Lava's own runtime, or its compiled models in one thread."""

from collections import deque
from queue import Empty
from typing import Any, Protocol

import numpy as np
from lava.magma.compiler.builders.channel_builder import ChannelBuilderMp
from lava.magma.compiler.builders.py_builder import PyProcessBuilder
from lava.magma.compiler.compiler import Compiler
from lava.magma.core.process.ports.ports import InPort, create_port_id
from lava.magma.core.process.process import AbstractProcess, ProcessServer
from lava.magma.core.process.variable import VarServer
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import (
    Loihi1HwCfg,
    Loihi1SimCfg,
    Loihi2HwCfg,
    Loihi2SimCfg,
    RunConfig,
)
from lava.utils.loihi import is_installed

__all__ = ["CONFIGS", "RUNTIMES", "InlineRuntime", "LavaRuntime", "Runtime", "run_config"]

CONFIGS = ("loihi1-sim", "loihi2-sim", "loihi1-hw", "loihi2-hw")

_STRIDE = 32  # steps by which a process is ahead of its receivers, at most
_PATIENCE = 30.0  # seconds in which a message that was sent arrives


def run_config(name: str, network: dict[type, type]) -> RunConfig:
    """Return the run configuration of a name; ``network`` names the composites' graph models.

    Raises ValueError for another name and RuntimeError where the named chip is not to be had.
    """
    if name not in CONFIGS:
        raise ValueError(f"config must be one of {', '.join(CONFIGS)}, not {name!r}")
    if name.endswith("-hw"):
        # Intel gives the compiler of the chips to members of its research community only.
        if not is_installed():
            raise RuntimeError(
                f"config {name!r} needs Intel's lava-loihi package and a board, which are not "
                "here; take 'loihi2-sim'"
            )
        hardware = Loihi1HwCfg if name == "loihi1-hw" else Loihi2HwCfg
        return hardware(select_tag="fixed_pt", exception_proc_model_map=network)
    kind = Loihi1SimCfg if name == "loihi1-sim" else Loihi2SimCfg
    return kind(select_tag="fixed_pt", exception_proc_model_map=network)


class Runtime(Protocol):
    """Runs a circuit step by step; frames go in and out between runs."""

    def run(self, steps: int) -> None:
        """Let so many steps pass."""

    def send(self, process: AbstractProcess, frame: Any) -> None:
        """Give a stimulus a frame, int32 of its port's shape."""

    def receive(self, process: AbstractProcess) -> Any:
        """Return a readout's next frame; raise RuntimeError if none comes."""

    def stop(self) -> None:
        """End what was started."""


class LavaRuntime:
    """Lava's runtime: every model an operating-system process, spoken to over shared memory."""

    def __init__(self, process: AbstractProcess, config: RunConfig) -> None:
        self._process = process
        executable = process.compile(config)
        _release(executable.process_list)
        process.create_runtime(executable=executable)

    def run(self, steps: int) -> None:
        self._process.run(condition=RunSteps(num_steps=steps), run_cfg=None)

    def send(self, process: AbstractProcess, frame: Any) -> None:
        process.frame_in.external_pipe_csp_send_port.send(np.asarray(frame, np.int32))

    def receive(self, process: AbstractProcess) -> Any:
        port = process.frame_out.external_pipe_csp_recv_port
        try:
            # A thread of the port's moves messages, some time after the run that sent them; its
            # own way to look races with that thread.
            port._queue.get(peek=True, timeout=_PATIENCE)
        except Empty:
            raise RuntimeError(f"no frame came within {_PATIENCE} s") from None
        return port.recv()

    def stop(self) -> None:
        self._process.stop()


class _Channel:
    """Both ends of a channel inside one thread; what is sent is copied and cast, as in Lava's."""

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self._shape, self._dtype = tuple(shape), np.dtype(dtype)
        self.frames: deque[Any] = deque()

    def send(self, frame: Any) -> None:
        if frame.shape != self._shape:
            raise AssertionError(f"a message of shape {frame.shape} on a port of {self._shape}")
        self.frames.append(np.array(frame, dtype=self._dtype))

    def recv(self) -> Any:
        if not self.frames:
            raise RuntimeError("a process waits for a message that nobody sends in this step")
        return self.frames.popleft()

    def probe(self) -> bool:
        return bool(self.frames)


class _End:
    """One end of a channel, under the name by which a builder finds its port."""

    def __init__(self, name: str, channel: _Channel) -> None:
        self.name = name
        self.send, self.recv, self.probe = channel.send, channel.recv, channel.probe


class InlineRuntime:
    """The models that Lava's compiler chose and built, run in one thread without forks.

    Each step runs them so that senders come before receivers. Where processes form a loop, one of
    them must take its feedback in its management phase, when all have spiked, and name the ports
    of which that is true in ``late_ports`` of its class. Where nothing comes back, a process may
    be ahead of those that it sends to: each is run for many steps while its data are in the
    cache, which changes no message, as channels keep their order. Learning phases and references
    between Vars are not served.
    """

    def __init__(self, process: AbstractProcess, config: RunConfig) -> None:
        executable = Compiler().compile(process, config)
        _release(executable.process_list)
        builders = {
            owner: builder
            for owner, builder in executable.proc_builders.items()
            if isinstance(builder, PyProcessBuilder)
        }
        self._stride = _STRIDE
        before: dict[Any, set[Any]] = {owner: set() for owner in builders}
        for channel in executable.channel_builders:
            assert isinstance(channel, ChannelBuilderMp)
            source, target = channel.src_port_initializer, channel.dst_port_initializer
            made = _Channel(source.shape, source.d_type)
            sender, receiver = _End(source.name, made), _End(target.name, made)
            builders[channel.src_process].set_csp_ports([sender])
            builders[channel.dst_process].set_csp_ports([receiver])
            builders[channel.dst_process].add_csp_port_mapping(
                create_port_id(channel.src_process.id, source.name), receiver
            )
            if target.name in getattr(channel.dst_process, "late_ports", ()):
                self._stride = 1
            else:
                before[channel.dst_process].add(channel.src_process)
        self._outside: dict[tuple[Any, bool], _Channel] = {}
        for owner, builder in builders.items():
            for name, port in builder.py_ports.items():
                if getattr(owner, name).external_pipe_flag:
                    made = _Channel(port.shape, port.d_type)
                    builder.set_csp_ports([_End(name, made)])
                    self._outside[owner, isinstance(getattr(owner, name), InPort)] = made
        self.models = {owner: builder.build() for owner, builder in builders.items()}
        self._order = [self.models[owner] for owner in _ordered(before)]

    def run(self, steps: int) -> None:
        for start in range(0, steps, self._stride):
            stride = min(self._stride, steps - start)
            for model in self._order:
                for _ in range(stride):
                    model.time_step += 1
                    model.run_spk()
            for model in self._order:
                for _ in range(stride):
                    if model.post_guard():
                        model.run_post_mgmt()

    def send(self, process: AbstractProcess, frame: Any) -> None:
        self._outside[process, True].send(frame)

    def receive(self, process: AbstractProcess) -> Any:
        frames = self._outside[process, False].frames
        if not frames:
            raise RuntimeError("no frame came")
        return frames.popleft()

    def stop(self) -> None:
        self._order = []
        self.models = {}


def _release(processes: list[AbstractProcess]) -> None:
    """Let processes and their Vars go when their circuit goes: Lava's registers would keep them."""
    released: set[Any] = set()
    for process in processes:
        owner: Any = process
        while owner is not None:
            released.add(owner)
            owner = owner.parent_proc
    known, values = ProcessServer().processes, VarServer().vars
    known[:] = [process for process in known if process not in released]
    values[:] = [var for var in values if var.process not in released]


def _ordered(before: dict[Any, set[Any]]) -> list[Any]:
    """Return the processes in an order in which senders come first."""
    order: list[Any] = []
    left = {owner: set(senders) for owner, senders in before.items()}
    while left:
        ready = [owner for owner, senders in left.items() if not senders & left.keys()]
        if not ready:
            names = ", ".join(type(owner).__name__ for owner in left)
            raise RuntimeError(f"processes wait for each other within a step: {names}")
        order += ready
        for owner in ready:
            del left[owner]
    return order


RUNTIMES: dict[str, type[Any]] = {"inline": InlineRuntime, "lava": LavaRuntime}
