"""The command line: an engram for the terminal; needs the extra `cli`."""
