"""Associations on spiking hardware: the worker of Lava processes, and nengo-loihi."""
