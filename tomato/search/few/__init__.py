"""Few-shot learning: classes in sets that share none, and episodes drawn from them."""
