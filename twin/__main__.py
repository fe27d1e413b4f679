"""The command `twin`, which is also ``python -m twin``."""

import os
import sys


def main() -> None:
    """Run the command line; Ctrl-C while it is still being imported ends in 130 as it does later.

    Linear algebra uses one thread, as a run does, unless OMP_NUM_THREADS says otherwise: fits of devices have the same
    bits on any number of cores, and the threads of several processes do not wait for each other.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        from twin.cli import app as cli  # noqa: PLC0415 - its imports take long enough to be interrupted
    except KeyboardInterrupt:
        sys.exit(130)
    cli.main()


if __name__ == "__main__":
    main()
