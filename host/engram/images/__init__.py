"""Pictures in few bytes: a transform, a quantiser and a coder; needs the extra `images`."""
