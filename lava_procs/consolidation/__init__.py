"""Replayed patterns compete, and their strengths move."""
