"""Pattern neurons, which integrate the spikes of a cue and race."""
