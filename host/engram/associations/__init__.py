"""Memory by content: patterns by id, how they are kept, and what becomes of them."""
