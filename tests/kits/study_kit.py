"""Studies whose runs happen here."""

from twin.config.place import Places
from twin.config.resources import find
from twin.descriptions.load import load_study
from twin.study.plan import plan_study
from twin.sweep.measure import Status, ended


class Here:
    """Runs points in this process; may stop, or spoil those of an algorithm."""

    def __init__(self, stop_after=None, spoil=""):
        self.stop_after, self.spoil, self.ran = stop_after, spoil, []

    def run(self, points, measure):
        for point in points:
            if point is None:
                continue
            if len(self.ran) == self.stop_after:
                raise KeyboardInterrupt
            self.ran.append(point.id)
            if self.spoil and point.request.algorithm == self.spoil:
                yield point, ended(Status.FAILED, "runs/x: not written (No space left on device)")
            else:
                yield point, measure(point)


def planned(name):
    return plan_study(load_study(str(name)), Places(find("study", str(name))))


def shown(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).parts[0] != "cache"
    }
