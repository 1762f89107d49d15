"""A worker watches its parent, from before it loads what it works with.

So this module imports nothing that takes time: a worker whose parent ends while it loads ends too.
"""

import os
import signal
import threading
import time
from typing import Final

WATCH_SECONDS: Final = 0.5
"""After how long a worker looks again whether its parent is there."""


def end_with(parent: int) -> None:
    """Let a worker end soon after the process that started it, in whatever way that ends.

    An interruption from the keyboard is left to that process.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    os._exit(1)
