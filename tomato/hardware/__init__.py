"""What hardware is made of: parts, streams, memories, and what they take."""
