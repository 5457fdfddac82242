"""How real weights become integers: one alphabet per kind of arithmetic, and one way of rounding to any of them."""
