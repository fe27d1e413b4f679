"""Points on a Dask cluster, through the interface of `concurrent.futures`."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, final

from twin.errors import TwinError
from twin.sweep.executor import Measure, outcomes
from twin.sweep.measure import Row, Status, ended
from twin.sweep.point import Point

if TYPE_CHECKING:
    from concurrent.futures import Future

    from distributed import Client

QUEUES = {"slurm": "SLURMCluster", "lsf": "LSFCluster", "pbs": "PBSCluster"}


@final
class DaskCluster:
    """Runs points on a scheduler that runs already, on a cluster of this machine, or through a batch system.

    Parameters
    ----------
    scheduler : str
        ``"tcp://host:port"``; ``"local"``: `jobs` workers on this machine; ``"slurm"``, ``"lsf"``, ``"pbs"``:
        `jobs` jobs of one worker each, described by Dask-Jobqueue's own configuration (``jobqueue.yaml``).
    jobs : int
        Workers to start; a running scheduler has its own.
    """

    def __init__(self, scheduler: str, jobs: int) -> None:
        self.scheduler, self.jobs = scheduler, jobs
        if scheduler not in {"local", *QUEUES} and "://" not in scheduler:
            raise TwinError(
                f"--scheduler (= {scheduler}): must be local, {', '.join(QUEUES)} or an address like tcp://host:8786"
            )

    def run(self, points: Iterable[Point | None], measure: Measure) -> Iterator[tuple[Point, Row]]:
        """Yield every point with its row, in the order in which they end."""
        with ExitStack() as stack:
            client = self._client(stack)
            executor = client.get_executor(retries=0, pure=False)
            window = max(self.jobs, 2 * len(client.scheduler_info()["workers"]))
            for point, future in outcomes(lambda point: executor.submit(measure, point), points, window):
                yield point, _row(future)

    def _client(self, stack: ExitStack) -> "Client":
        try:
            import dask.config  # noqa: PLC0415
            from distributed import Client, LocalCluster  # noqa: PLC0415
        except ImportError as error:
            raise TwinError("--scheduler: needs Dask; pip install 'analog-twin[dask]'") from error
        cluster: Any = self.scheduler
        if self.scheduler == "local":
            # the death of a worker is its point's: trying again would only take longer to say so
            stack.enter_context(dask.config.set({"distributed.scheduler.allowed-failures": 0}))
            cluster = stack.enter_context(
                LocalCluster(n_workers=self.jobs, threads_per_worker=1, dashboard_address=None)
            )
        elif self.scheduler in QUEUES:
            cluster = stack.enter_context(_queue(self.scheduler))
            cluster.scale(jobs=self.jobs)
        try:
            client: Client = stack.enter_context(Client(cluster))
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise TwinError(
                f"--scheduler (= {self.scheduler}): no scheduler answers ({reason}); give e.g. tcp://host:8786"
            ) from error
        return client


def _queue(name: str) -> Any:
    try:
        import dask_jobqueue  # noqa: PLC0415
    except ImportError as error:
        raise TwinError(f"--scheduler (= {name}): needs Dask-Jobqueue; pip install 'analog-twin[dask]'") from error
    try:
        return getattr(dask_jobqueue, QUEUES[name])()
    except (ValueError, OSError) as error:
        reason = " ".join(str(error).split())
        raise TwinError(
            f"--scheduler (= {name}): {reason}; describe your jobs in ~/.config/dask/jobqueue.yaml"
        ) from error


def _row(future: "Future[Row]") -> Row:
    from distributed import KilledWorker  # noqa: PLC0415

    reason = future.exception()
    if isinstance(reason, KilledWorker):
        return ended(Status.KILLED, "its workers died one after another; see their logs")
    if reason is not None:
        return ended(Status.FAILED, f"{type(reason).__name__}: {reason}")
    return future.result()
