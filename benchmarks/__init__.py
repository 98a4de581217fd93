"""Where the numbers come from. `python -m benchmarks` runs all of them; each file is also a program of its own."""
