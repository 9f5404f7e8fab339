"""The mover: words from the laws, from DRAM or from the window, to DRAM or to the window."""
