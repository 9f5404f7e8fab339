"""What the benchmark of associations writes down: its JSON and its tables for the docs."""

from benchmarks.tables import FIGURES, Results, Section, Table, written

__all__ = ["FIGURES", "Section", "Table", "results", "write_section", "written"]

_RESULTS = Results("associations")
results = _RESULTS.read
write_section = _RESULTS.write_section
