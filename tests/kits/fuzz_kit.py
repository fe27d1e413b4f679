"""Mutations of files, and commands that must answer them in one line."""

import random
import re
import signal
from contextlib import contextmanager

from command_kit import run_main

WORDS = [b"null", b"[]", b"{}", b"-1", b"1e999", b"nan", b"NaN", b"Infinity", b'"x"', b"true", b"9" * 40, b"\xff\xfe"]
NUMBER = re.compile(rb"-?\d+\.?\d*(?:[eE][-+]?\d+)?")


def mutated(content, seed):
    """Return a file's bytes with one thing wrong."""
    chance = random.Random(seed)
    at = chance.randrange(len(content)) if content else 0
    rows = content.split(b"\n")
    row = chance.randrange(len(rows))
    above, below = rows[:row], rows[row + 1 :]
    number = chance.choice([found.span() for found in NUMBER.finditer(content[:200_000])] or [(at, at)])
    word = chance.choice(WORDS)
    return chance.choice(
        [
            content[:at],
            b"",
            content[:at] + bytes([chance.randrange(256)]) + content[at + 1 :],
            b"\n".join([*above, *below]),
            b"\n".join([*above, rows[row][: len(rows[row]) // 2], *below]),
            b"\n".join([*above, rows[row], rows[row], *below]),
            content[: number[0]] + word + content[number[1] :],
            content[:at] + word + content[at:],
            chance.choice([b"null", b"[]", b"3", b"{}", b"[" * 50_000, b'{"a":' * 50_000, b"\x00" * 100]),
        ]
    )


class TooLongError(Exception):
    """A command that should have ended."""


@contextmanager
def at_most(seconds):
    """End what takes longer; only in the main thread."""

    def ring(*_):
        raise TooLongError(f"took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def run_command(monkeypatch, capsys, *arguments):
    """Run a command that must end soon; return exit code and errors."""
    with at_most(60):
        code, _, err = run_main(monkeypatch, capsys, *arguments)
    return code, err
