"""Files for other programs: traces and events."""
