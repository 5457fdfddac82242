"""Recipes that need no file."""

from tomato.train.recipe import Recipe, parse

EPOCHS = 30


def quantise(precision: str, epochs: int | None = None) -> Recipe:
    """Quantisation-aware training for one precision."""
    step = {"do": "quantise", "precision": precision, "epochs": EPOCHS if epochs is None else epochs}
    return parse({"step": [step]}, "--precision", f"{precision} {epochs}")
