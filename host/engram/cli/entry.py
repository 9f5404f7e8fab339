"""Where the script `engram` starts: the command line, or what to install for it."""

import importlib.util
import sys

__all__ = ["main"]

_WRONG_USE = 2


def main() -> None:
    """Run the command line and leave the process with its exit code."""
    missing = [name for name in ("typer", "rich") if importlib.util.find_spec(name) is None]
    if missing:
        print(
            f"engram: the command line needs {' and '.join(missing)}: pip install 'engram[cli]'",
            file=sys.stderr,
        )
        sys.exit(_WRONG_USE)
    from engram.cli.app import app

    app(prog_name="engram")
