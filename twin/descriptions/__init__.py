"""Descriptions: files from text to checked models, with every mistake in one line."""
