"""The CPU backend: numba kernels, compiled once per machine, and the overlay they work on."""
