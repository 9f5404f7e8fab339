"""`engram devices`: where a memory can run here, and why not."""

from contextlib import suppress

from engram.cli.options import Json, Verbose
from engram.cli.terminal import console, print_json, table

__all__ = ["devices"]


def devices(as_json: Json = False, verbose: Verbose = 0) -> None:
    """List the devices, and what is missing for those that cannot be had here."""
    from engram.errors import DeviceUnavailable
    from engram.registry import AUTO, association_backend, space_backend
    from engram.registry import devices as known

    statuses = known()
    chosen = set()
    for serves, choose in (("spaces", space_backend), ("associations", association_backend)):
        with suppress(DeviceUnavailable):
            chosen.add((serves, choose(AUTO)[0]))
    if as_json:
        print_json(
            {
                "devices": [
                    {
                        "name": status.name,
                        "serves": status.serves,
                        "available": status.available,
                        "summary": status.summary,
                        "reason": status.reason,
                        "auto": (status.serves, status.name) in chosen,
                    }
                    for status in statuses
                ]
            }
        )
        return
    rows = []
    for status in statuses:
        state = "yes" if status.available else "no"
        if (status.serves, status.name) in chosen:
            state = "yes (auto)"
        summary = status.summary if status.available else f"{status.summary}\n{status.reason}"
        rows.append((status.name, status.serves, state, summary))
    console().print(table(("device", "serves", "available", "what it is"), rows, left=4))
