"""The rules: what follows from a run as it stands. Values in, effects and events out."""
