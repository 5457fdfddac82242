"""A network over several boards: where it is cut, what the links carry, and the folder of each board."""
