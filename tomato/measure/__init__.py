"""How right a design is, against the model's own runtime."""
