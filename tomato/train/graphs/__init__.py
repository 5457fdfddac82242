"""Training and searching networks on graphs."""
