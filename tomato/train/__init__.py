"""Training and compressing networks: what is trained is the compiler's own graph of reals."""
