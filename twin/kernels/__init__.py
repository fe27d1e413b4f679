"""The compiled language: what runs inside Numba, and the records it works on. Knows `twin.operation` alone."""
