"""The command `twin`, which is also ``python -m twin``."""

import sys


def main() -> None:
    """Run the command line; Ctrl-C while it is still being imported ends in 130 as it does later."""
    try:
        from twin.cli import app as cli  # noqa: PLC0415 - its imports take long enough to be interrupted
    except KeyboardInterrupt:
        sys.exit(130)
    cli.main()


if __name__ == "__main__":
    main()
