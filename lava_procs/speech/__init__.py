"""Winners speak: from pattern neurons back to a code."""
