"""Tests of the installed package, collected only where one is installed for them."""

import os
import sys

if "BOARD_PACKAGE_SITE" not in os.environ:
    collect_ignore_glob = ["test_*.py"]
else:
    # There is neither for the processor of a PYNQ-Z2.
    for name in ("numba", "llvmlite"):
        sys.modules[name] = None  # type: ignore[assignment]
