"""AXI units that any accelerator stands on: register bank, burst engines, arbiters."""
