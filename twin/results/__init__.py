"""What a run leaves: tables, totals, columns and units. Knows operations, errors and units only."""
