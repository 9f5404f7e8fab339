"""The associative memory as Lava processes: one folder each, and a worker that serves them."""
