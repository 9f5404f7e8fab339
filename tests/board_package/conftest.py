"""Tests of the installed package, collected only where one is installed for them."""

import os

if "BOARD_PACKAGE_SITE" not in os.environ:
    collect_ignore_glob = ["test_*.py"]
