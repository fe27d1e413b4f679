"""Configurations of aihwkit: the printed text of an RPU configuration becomes a workload."""
