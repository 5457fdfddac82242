"""From real numbers to integers: grids of our own, or those that a model brings."""
