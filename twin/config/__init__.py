"""Configuration: the machinery of descriptions, with units, origins, sources and an audit of what was read."""
