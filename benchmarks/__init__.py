"""Numbers, checked before they are timed and never asserted: ratios against peers in one run."""
