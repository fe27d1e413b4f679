"""Studies: runs, sweeps and published figures of one file, and the folder of tables and figures made of them."""
