"""A code settles on the pattern it is nearest to."""
