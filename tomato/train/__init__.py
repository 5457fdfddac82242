"""Training: the only part that knows torch."""
