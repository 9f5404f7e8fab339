"""Seeded trouble for the accelerator, and what must hold whatever happens."""
