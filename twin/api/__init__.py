"""What Python and notebooks use; `twin` itself offers it. On the level of the command line: it imports all rooms."""
