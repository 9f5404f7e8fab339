"""Where frames enter and leave a circuit of processes."""
