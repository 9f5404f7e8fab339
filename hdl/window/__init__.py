"""The window: the space as plain memory for any manager on the chip."""
