"""Words made in gateware: each law turns a stream of addresses into a stream of words."""
