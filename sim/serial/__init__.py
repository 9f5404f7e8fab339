"""A serial line without a wire: to the board's gateware bit by bit, or to a model of its bridge."""
