"""From a space of networks and data to trained networks: shared weights, their judgement, and what becomes of the best."""
