"""One run from its folder to its result."""

from pathlib import Path

from twin.results.result import RunResult
from twin.results.store import save_run
from twin.runs.folder import read_facts
from twin.runs.plan import Plan
from twin.runs.planning import kind_of, plan_folder
from twin.runs.protocol import AfterEpoch, Progress


def run(folder: Path, progress: Progress, after_epoch: AfterEpoch | None = None, plan: Plan | None = None) -> RunResult:
    """Run what a folder describes, from its checkpoint if there is one; leave the result there.

    Parameters
    ----------
    folder : Path
        Prepared by `twin.runs.plan.prepare`.
    progress : callable
        Is called with (samples done, samples in total).
    after_epoch : callable, optional
        Is called with every new row of the learning curve once the state after that epoch is saved. What it or
        `progress` raises ends the run there.
    plan : Plan, optional
        What the folder describes, where that is at hand.
    """
    facts = read_facts(folder)
    plan = plan_folder(folder) if plan is None else plan
    running = kind_of(plan).start(plan, folder, progress, after_epoch)
    running.advance()
    result = running.result(facts.command)
    save_run(result, folder)
    running.close()
    return result
