"""Boards without a processor: block RAM behind the accelerator, and a serial line to a host."""
