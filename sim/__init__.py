"""Hardware without hardware: the golden model, and what drives or imitates devices."""
