"""`engram devices`: where a memory can run here, and why not."""

from engram.cli.options import Json, Verbose
from engram.cli.terminal import console, print_json, table

__all__ = ["devices"]


def devices(as_json: Json = False, verbose: Verbose = 0) -> None:
    """List the devices, and what is missing for those that cannot be had here."""
    from engram.errors import DeviceUnavailable
    from engram.registry import AUTO, space_backend
    from engram.registry import devices as known

    statuses = known()
    try:
        chosen = space_backend(AUTO)[0]
    except DeviceUnavailable:
        chosen = ""
    if as_json:
        print_json(
            {
                "devices": [
                    {
                        "name": status.name,
                        "available": status.available,
                        "summary": status.summary,
                        "reason": status.reason,
                        "auto": status.name == chosen,
                    }
                    for status in statuses
                ]
            }
        )
        return
    rows = []
    for status in statuses:
        state = "yes" if status.available else "no"
        if status.name == chosen:
            state = "yes (auto)"
        summary = status.summary if status.available else f"{status.summary}\n{status.reason}"
        rows.append((status.name, state, summary))
    console().print(table(("device", "available", "what it is"), rows, left=3))
