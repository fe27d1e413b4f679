"""Operations in time: hazards, servers, the SimPy run and the ledger."""

from twin.engine.engine import Engine
from twin.engine.invariants import InvariantError
from twin.engine.protocols import Costs, Effects, Program

__all__ = ["Costs", "Effects", "Engine", "InvariantError", "Program"]
