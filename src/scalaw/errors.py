"""How scalaw says that something is wrong: one record per problem, one exception that carries them.

A :class:`Problem` has a stable ``code`` (``scalaw explain D012`` tells more), a severity, and four short
sentences: *what* is wrong, *where*, *why* it matters and how to *fix* it. ``E`` refuses, ``W`` warns and goes
on, ``I`` is a note. A :class:`ScalawError` is raised for one or more ``E`` problems and prints one line each.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

Severity = Literal["E", "W", "I"]


@dataclass(frozen=True)
class Problem:
    """One thing to know about an input.

    Parameters
    ----------
    code : str
        Stable identifier, e.g. ``"D012"``: D data, P prediction, M model, S sampling.
    severity : {"E", "W", "I"}
        Refused, warned about, or noted.
    what, where, why, fix : str
        Short phrases without a final full stop; ``why`` may be empty.
    """

    code: str
    severity: Severity
    what: str
    where: str = ""
    why: str = ""
    fix: str = ""

    def __str__(self) -> str:
        head = f"{self.code} {self.where}: " if self.where else f"{self.code} "
        return head + ". ".join(part.rstrip(".") for part in (self.what, self.why, self.fix) if part) + "."

    def to_dict(self) -> dict[str, str]:
        """Plain dictionary, as printed by ``--json``."""
        return asdict(self)


class ScalawError(ValueError):
    """An input that scalaw refuses; carries every problem found, not only the first.

    Parameters
    ----------
    code, what, where, why, fix : str
        As in :class:`Problem`; the severity is always ``E``.
    """

    def __init__(self, code: str, what: str, where: str = "", why: str = "", fix: str = ""):
        self._set((Problem(code, "E", what, where, why, fix),))

    def _set(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> ScalawError:
        """One exception for several problems (only those of severity ``E`` are kept)."""
        error = cls.__new__(cls)
        error._set(tuple(problem for problem in problems if problem.severity == "E"))
        return error

    @property
    def code(self) -> str:
        """Code of the first problem."""
        return self.problems[0].code
