"""Constants, thresholds and tables that equal a requantisation."""
