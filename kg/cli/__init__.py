"""The command kg: arguments and printing only. Exit 0 done, 1 the answer is "no", 2 the input is wrong."""

from kg.cli import projects, server, queries, edits, mappings, changes, rules, measures, shapes  # noqa: F401, I001 - in the order of the help
from kg.cli.application import app, main

__all__ = ["app", "main"]
