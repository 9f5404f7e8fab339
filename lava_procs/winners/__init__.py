"""The first spikes of a race win."""
