"""Few-shot learning: shared weights that are meta-trained, and networks that are adapted to a task."""
