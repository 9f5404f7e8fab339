"""The command ring: descriptors fetched, carried out and completed one after the other."""
