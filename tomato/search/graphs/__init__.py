"""Networks on graphs: their data, what is chosen from, and the compiler's graph of one over a fixed set of edges."""
