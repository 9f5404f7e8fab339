"""Who may have made a tensor, who may read it, and what was done: keys, seals, levels and a log."""
