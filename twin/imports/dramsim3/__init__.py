"""DRAMsim3 configurations (.ini), turned into memory parts."""
