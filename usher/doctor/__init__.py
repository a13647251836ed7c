"""Looks a deployment over: one finding per thing that could be wrong. It changes nothing."""
