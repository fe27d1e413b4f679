"""Ctrl-C at the worst of moments."""

import contextlib
import multiprocessing
import os
import signal
import threading


@contextlib.contextmanager
def pressed_at_every_child():
    """Press Ctrl-C at all processes that are started here, from their first instruction on."""
    over = threading.Event()

    def press():
        while not over.wait(0.002):
            for child in multiprocessing.active_children():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    yield
    over.set()
    thread.join()
