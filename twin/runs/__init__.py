"""From a request to finished runs: plans, processes, run folders, resuming."""
