"""The main job from end to end, every step of it checked."""
