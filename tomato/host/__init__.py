"""What runs beside the chip: the user's arrays, and the ends of the network that the chip leaves out."""
