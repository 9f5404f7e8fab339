"""Codecs of tensors, one file each: from numbers to a small payload and back, exactly by law."""
