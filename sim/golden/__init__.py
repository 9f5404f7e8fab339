"""The law in plain Python integers: slow, obviously right, and itself a device."""
