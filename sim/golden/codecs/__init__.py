"""What payloads mean, in plain Python integers: slow, and obviously right."""
