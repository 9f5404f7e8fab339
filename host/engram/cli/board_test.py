"""`engram board-test`: an accelerator examines itself, on a board and in simulation alike."""

from typing import TYPE_CHECKING, Annotated

import typer

from engram.cli.failures import ExitCode, Failed
from engram.cli.options import Json, Verbose
from engram.cli.terminal import console, duration, print_json, table

if TYPE_CHECKING:
    from engram.fpga.sharing import SharedSpace

__all__ = ["board_test"]

_STATES = {True: "passed", False: "FAILED", None: "not run"}


def board_test(
    device: Annotated[
        str,
        typer.Option("--device", help="The accelerator: `engram devices` lists them as fpga..."),
    ] = "fpga",
    quick: Annotated[
        bool, typer.Option("--quick", help="Less of everything, for a simulated device.")
    ] = False,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """Check an accelerator: identity, registers, laws, overlay, faults, interrupt; then time it.

    Every check is run, also after one that failed; the exit code is 1 if any did. What is
    measured never fails. The device is left as it was found.
    """
    from engram.fpga.selftest.runner import self_test

    found = self_test(_space(device).accelerator(), quick=quick)
    if as_json:
        print_json({"name": device, **found.to_dict()})
    else:
        rows = [
            (outcome.name, _STATES[outcome.passed], outcome.detail, duration(outcome.seconds))
            for outcome in found.outcomes
        ]
        rows += [(pace.name, "measured", pace.text, "") for pace in found.paces]
        console().print(table(("check", "result", "what was found", "took"), rows, left=3))
        run = [outcome for outcome in found.outcomes if outcome.passed is not None]
        typer.echo(
            f"{found.device}: {len(run)} checks, {len(found.failed)} failed, "
            f"{len(found.outcomes) - len(run)} not run"
        )
    if not found.passed:
        named = "; ".join(f"{outcome.name}: {outcome.detail}" for outcome in found.failed)
        raise Failed(f"the self-test failed: {named}", ExitCode.UNEXPECTED, told=as_json)


def _space(name: str) -> "type[SharedSpace]":
    """Return the spaces of a device that is an accelerator."""
    from engram.fpga.sharing import SharedSpace
    from engram.registry import space_backend

    chosen, backend = space_backend(name)
    if not issubclass(backend, SharedSpace):
        raise ValueError(
            f"device must be an accelerator, not {chosen!r}: one of those that `engram devices` "
            "lists as fpga..."
        )
    return backend
