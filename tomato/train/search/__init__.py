"""From a space of networks and data to trained networks: shared weights, a search, and what becomes of the best."""
