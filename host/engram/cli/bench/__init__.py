"""What Engram does in a second on this machine, beside its peers in the same run."""
