"""What `pynq get-notebooks engram` copies."""
