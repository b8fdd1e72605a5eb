"""Measurements beside peers, and the seeded generator of a bank of any size."""
