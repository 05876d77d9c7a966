"""Data sets as whole tensors in memory, and the split that training, thresholds and tests respect."""
