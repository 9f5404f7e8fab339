"""A whole race, from a cue to the latencies of the first."""
