"""The error that a sub-command raises for what the user has to put right."""


class CommandError(Exception):
    """Shown as one line, exit code 2."""
