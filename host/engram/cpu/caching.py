"""Where what was compiled once is kept: of kernels, and of simulated gateware."""

import os
import sys
import tempfile
from pathlib import Path

__all__ = ["cache_directory"]


def cache_directory() -> Path:
    """Return where object files are kept: ENGRAM_CACHE_DIR, or the user's cache folder."""
    chosen = os.environ.get("ENGRAM_CACHE_DIR")
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        root = os.environ.get("LOCALAPPDATA")
    elif sys.platform == "darwin":
        root = os.path.expanduser("~/Library/Caches")
    else:
        root = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(root or tempfile.gettempdir()) / "engram"
