"""The trials of a search in a file that Optuna's own tools read."""

from collections.abc import Sequence
from pathlib import Path
from typing import final

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial

from twin.errors import TwinError
from twin.files import remove
from twin.sweep.search import PointSearch


@final
class Journal:
    """Optuna's journal of one search.

    Nothing is read from it but whether it holds the beginning of the search; if not (the disk was full, a trial was
    tried again and ended otherwise), it is written anew.
    """

    def __init__(self, path: Path, search: PointSearch) -> None:
        self.path, self.search = path, search
        self.study: optuna.Study | None = None
        self.written = 0

    def record(self) -> None:
        """Append the trials that have ended and are not in the file.

        Raises
        ------
        TwinError
            When the file cannot be written; the next call tries again.
        """
        trials = self.search.journal()
        if self.study is not None and self.written == len(trials):
            return
        try:
            if self.study is None:
                self.study = self._opened(trials)
            while self.written < len(trials):
                self.study.add_trial(trials[self.written])
                self.written += 1
        except OSError as error:
            self.study = None
            raise TwinError(f"{self.path}: not written ({error.strerror or error}); make room there") from error

    def _opened(self, trials: Sequence[FrozenTrial]) -> optuna.Study:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        remove(self.path.with_name(f"{self.path.name}.lock"))  # of a process that was killed
        self.written = begun(self.path, trials)
        if not self.written:
            remove(self.path)
        name = ", ".join(f"{key} = {value}" for key, value in self.search.outer.items())
        direction = self.search.search.direction
        return optuna.create_study(
            storage=_storage(self.path), study_name=name, direction=direction, load_if_exists=True
        )


def begun(path: Path, trials: Sequence[FrozenTrial]) -> int:
    """Return how many trials a journal holds, if they are the first of these; otherwise 0."""
    if not path.exists() or not path.read_bytes().endswith(b"\n"):
        return 0
    try:
        (study,) = optuna.get_all_study_names(_storage(path))
        held = optuna.load_study(storage=_storage(path), study_name=study).get_trials(deepcopy=False)
    except (ValueError, KeyError):
        return 0
    same = [_content(one) == _content(other) for one, other in zip(held, trials, strict=False)]
    return len(held) if len(held) <= len(trials) and all(same) else 0


def _storage(path: Path) -> JournalStorage:
    return JournalStorage(JournalFileBackend(str(path)))


def _content(trial: FrozenTrial) -> tuple[object, ...]:
    return trial.number, trial.state, trial.values, trial.params, trial.user_attrs
