"""Architectures: what a search for a network chooses from, what each costs on a target, and the search itself."""
