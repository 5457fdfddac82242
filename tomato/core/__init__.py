"""What every stage speaks of: the graph, number formats, ports, errors."""
