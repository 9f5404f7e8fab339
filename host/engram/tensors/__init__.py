"""Memory by name: tensors as signed descriptors, their versions, regions and cache."""
