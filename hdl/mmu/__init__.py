"""The MMU: what an address of the space means, and frames for the pages that are written."""
