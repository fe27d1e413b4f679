"""Forms of files with measured pulses (one file each), their registry, and what reads a file into rows of cells."""
