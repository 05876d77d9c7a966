"""Multi-exit networks: a chain of stages with a head on each."""
