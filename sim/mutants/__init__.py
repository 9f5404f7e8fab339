"""Gateware with one thing wrong, to see that the tests would notice."""
