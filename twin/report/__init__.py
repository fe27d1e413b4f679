"""Results of finished runs: directories, tables, figures and reports. Knows no clock and no device."""
