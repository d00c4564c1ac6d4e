"""Independent oracles: NumPy and the standard library only."""
