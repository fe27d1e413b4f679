"""Training algorithms: programs that yield operations and know no clock."""
