"""What a build folder holds, and what is done with it."""
