"""The one exception that is a message to a person."""


class UserError(Exception):
    """A mistake in the input, told in one line: what, where, and what would be right.

    The command line prints it without a traceback and exits with code 2.
    """
