"""Attacks inside an L-infinity ball around images in [0, 1]."""
