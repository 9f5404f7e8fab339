"""The self-test of an accelerator, on a board and on every simulation alike."""
