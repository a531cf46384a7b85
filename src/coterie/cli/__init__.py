"""The command line: one file per verb. Nothing heavy is imported before a verb needs it."""

from coterie.cli.program import main

__all__ = ["main"]
