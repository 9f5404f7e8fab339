"""The page on pictures: its code runs, and its figures are there."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "images.md").read_text()


def test_every_python_block_runs() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, re.S | re.M)
    assert blocks
    for block in blocks:
        exec(block, {})


def test_figures_are_there() -> None:
    for name in re.findall(r'^--8<-- "(.*)"$', PAGE, re.M):
        assert (DOCS / "figures" / name).exists()
    for name in re.findall(r"!\[.*\]\((.*)\)", PAGE):
        assert (DOCS / name).stat().st_size < 1 << 19
