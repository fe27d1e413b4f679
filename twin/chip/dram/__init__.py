"""A DRAM with channels, ranks, bank groups, banks and row buffers; requests are served first-ready, first-come."""
