"""Tables of layers of other tools (SCALE-Sim, NeuroSim), turned into networks to be timed."""
