"""Excuses devices from the tests that exceptions.py lists."""

import pytest

from tests.conformance.exceptions import mark_of


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
            parameters = item.callspec.params
            device = parameters.get("device") or parameters.get("associator")
            mark = mark_of(device, item.originalname) if device else None
            if mark is not None:
                item.add_marker(mark)
