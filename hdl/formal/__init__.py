"""Proofs about the gateware: components with assertions, and what runs them."""
