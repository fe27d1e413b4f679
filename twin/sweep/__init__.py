"""Many runs: which points, where they run, what is kept of each, and their table."""
