"""Gateware: everything that elaborates, written against `engram.arch` alone."""
