"""The gateware itself as a device of this machine: its Verilog, compiled to native code."""
