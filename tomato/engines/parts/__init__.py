"""What engines share: line buffers, arrays of multipliers, cells."""
