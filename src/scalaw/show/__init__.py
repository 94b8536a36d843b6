"""What a person sees: tables, plots, the report (one HTML file) and the commands.

Nothing is imported until it is asked for, so that ``scalaw --help`` answers at once.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scalaw.show.report import report as report

__all__ = ["report"]


def __getattr__(name: str) -> Any:
    if name != "report":
        raise AttributeError(f"module 'scalaw.show' has no attribute '{name}'")
    from scalaw.show.report import report

    globals()["report"] = report  # importing the file put the module of that name here
    return report
