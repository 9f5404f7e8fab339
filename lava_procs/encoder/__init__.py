"""From an embedding to a code and a cue."""
