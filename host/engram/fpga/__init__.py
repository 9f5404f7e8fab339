"""The accelerator as a device: the bus it is reached by, and what drives it over that bus."""
