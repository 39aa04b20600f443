"""Noise, learning and cost against the number of units: plan.py says of what, study.py measures."""
