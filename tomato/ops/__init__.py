"""Operators: attributes, type inference and golden meaning, one file each."""
