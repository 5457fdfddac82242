"""Printers of netlists, and the build folder."""
