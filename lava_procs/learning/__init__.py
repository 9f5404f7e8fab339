"""How permanences are written."""
