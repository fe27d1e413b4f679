"""Samples in flight and their operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import simpy

if TYPE_CHECKING:
    from twin.engine.binding import Bound, Template


class Job(simpy.Event):
    """One operation of one sample, and the event of its completion.

    It is its own SimPy event because allocating another would cost as much as all hazards do.
    """

    __slots__ = (
        "callbacks",
        "critical_ps",
        "done",
        "due_ps",
        "index",
        "position",
        "run",
        "successors",
        "template",
        "uses",
        "waiting",
    )
    _ok = True
    critical_ps: int
    done: bool
    due_ps: int
    index: int
    position: int
    run: Run
    successors: tuple[tuple[int, int], ...]
    template: Template
    uses: tuple[int, int] | None
    waiting: int


class Run:
    """One sample in flight.

    Its `jobs` are its own operations and, behind them, those of later samples that wait for one of them.
    """

    __slots__ = ("bound", "critical_ps", "jobs", "left", "sample", "serial_ps")

    def __init__(self, sample: int, bound: Bound, critical_ps: int) -> None:
        self.sample = sample
        self.bound = bound
        self.left = len(bound.steps)
        self.critical_ps = critical_ps
        self.serial_ps = 0
        self.jobs: list[Job] = []
        new, add = Job.__new__, self.jobs.append
        for position, template, waiting, successors, uses in bound.steps:
            job = new(Job)  # filled here: to call a constructor would take as long again
            job.run = self
            job.position = position
            job.template = template
            job.waiting = waiting
            job.successors = successors
            job.uses = uses
            job.done = False
            job.critical_ps = critical_ps
            add(job)


def wait(job: Job, earlier: Job, code: int) -> None:
    """Make `job` wait for `earlier`, which finds it behind the jobs of its own sample."""
    job.waiting += 1
    jobs = earlier.run.jobs
    earlier.successors += ((len(jobs), code),)
    jobs.append(job)
