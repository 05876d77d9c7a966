"""Adversarial training that can stop and go on anywhere."""
