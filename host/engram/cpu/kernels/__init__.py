"""Kernels in numba; imported only to compile them, see ``engram.cpu.library``.

A kernel is a function of 64-bit integers, addresses among them, that returns one. It allocates
nothing, raises nothing and calls nothing of Python, so its machine code needs no run-time.
"""
