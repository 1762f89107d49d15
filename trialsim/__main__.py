"""The program: `trialsim`, or `python -m trialsim`."""

import os
import sys

_SIMULATES_NOTHING = {"--help", "--version", "list"}


def main() -> None:
    """Run the command line, and leave at once if it is interrupted while it loads.

    An exception in the middle of an import could be lost or end in a traceback, and nothing has
    begun yet that would have to be ended.
    """
    try:
        import signal

        before = signal.getsignal(signal.SIGINT)
        if before is signal.default_int_handler:  # ignored, as under nohup, it stays so
            signal.signal(signal.SIGINT, _leave)
        from trialsim.cli import main as command_line

        if _SIMULATES_NOTHING.isdisjoint(sys.argv) and sys.argv[1:]:
            import trialsim.public  # noqa: F401 - what a command would load as it runs
        signal.signal(signal.SIGINT, before)
        command_line()
    except KeyboardInterrupt:
        _leave()


def _leave(*_: object) -> None:
    os.write(2, b"trialsim: interrupted\n")
    os._exit(130)


if __name__ == "__main__":
    main()
