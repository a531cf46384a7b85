"""The program around the verbs: it turns every way a verb can end into an exit code.

0 done, 1 refused or failed, 2 wrong usage, 130 interrupted.
"""

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper

import typer

from coterie.cli.app import command
from coterie.cli.failures import Failure, failure_of, report

INTERRUPTED = 130


def main() -> None:
    sys.exit(run(sys.argv[1:]))


def run(words: Sequence[str]) -> int:
    """Carry out one command line and give its exit code."""
    _survive_odd_terminals()
    as_json = "--json" in words
    if not all(map(_is_unicode, words)):
        return report(Failure("usage", "The arguments are not UTF-8.", exit_code=2), as_json)
    try:
        result = command().main(args=list(words), prog_name="coterie", standalone_mode=False)
        sys.stdout.flush()
    except typer.TyperException as usage:
        return _report_usage(usage, as_json)
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        return _reader_is_gone()
    except Exception as error:
        return report(failure_of(error), as_json)
    return result if isinstance(result, int) else 0


def _is_unicode(word: str) -> bool:
    """Bytes that are not UTF-8 arrive as lone surrogates: no message can carry them."""
    return not any("\ud800" <= character <= "\udfff" for character in word)


def _report_usage(usage: typer.TyperException, as_json: bool) -> int:
    message = usage.format_message().rstrip(".")
    if not message:  # no verb was given: the help has been printed
        return usage.exit_code
    context = getattr(usage, "ctx", None)
    path = context.command_path if context else "coterie"
    failure = Failure("usage", f"{message}. Try: {path} --help", exit_code=usage.exit_code)
    return report(failure, as_json)


def _survive_odd_terminals() -> None:
    """A terminal that cannot show a character gets a substitute, not a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def _reader_is_gone() -> int:
    """Whoever read our output stopped, as `head` does: nothing more can be said there."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1
