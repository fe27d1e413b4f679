"""Plumbing for vector units: lists, rows and lanes. Skip this to read the physics: nothing here knows a device."""
