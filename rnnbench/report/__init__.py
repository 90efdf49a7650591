"""From tidy tables to a report: figures, tables and words."""

import sys

from rnnbench.errors import UserError


def _check_docstrings() -> None:
    # Altair joins docstrings as it is imported.
    if sys.flags.optimize > 1:
        raise UserError("reports are drawn with Altair, which needs docstrings: start Python with -O instead of -OO")


_check_docstrings()
