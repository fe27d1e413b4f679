"""Physics of one array, and loops over the arrays of a matrix: mat-vecs with converters, pulsed and exact updates."""
