"""Commands that look at a running platform: whether its invariants hold, and what happened to a booking."""
