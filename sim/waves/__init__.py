"""Timing diagrams of the hardware manual, made from traces of the accelerator itself."""
