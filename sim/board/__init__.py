"""A board with a processor, without the board: the real classes of PYNQ over the gateware."""
