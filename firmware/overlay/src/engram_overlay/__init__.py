"""Engram's accelerator for PYNQ boards: bitstreams of those that were built, and notebooks."""

from engram_overlay.boards import bitfile, board_at_hand, built

__all__ = ["bitfile", "board_at_hand", "built"]
