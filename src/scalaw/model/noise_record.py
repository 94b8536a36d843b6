"""What a noise is: parameters, a log density, a sampler, and which numbers of a run it reads.

``y`` is what a noise scatters, and ``location`` is where the law puts it:

=========  ============================================================  ==========================
scatters   ``y`` and ``location``                                        the law predicts
=========  ============================================================  ==========================
log        log of the response over its reference, any real number      a positive response: a loss
share      the response itself, strictly between 0 and 1                 a share: accuracy, error
count      successes over ``rows["trials"]``, from 0 to 1                a share, seen as counts
value      the response itself, any real number                          a number of any sign
=========  ============================================================  ==========================

A noise of your own is a record too: give it to ``scalaw.fit(noise=…)`` after
:func:`~scalaw.model.check_noise.check_noise` has passed it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from scalaw.laws.records import Parameter
from scalaw.model.row_data import RowData

Values = dict[str, Any]


@dataclass(frozen=True)
class Noise:
    """An observation model.

    Parameters
    ----------
    name : str
        Registered name.
    parameters : tuple of Parameter
        Their role is ``"noise"``; all carry priors.
    log_prob : callable
        ``log_prob(y, location, values, rows)``: log density of ``y``, elementwise; the log probability of a count.
        Made of ``jnp``; finite with finite gradients wherever ``y`` can lie.
    draw : callable
        ``draw(rng, location, values, rows)``: NumPy draws of ``y``, shape of ``location``. Values may be columns
        of draws, shape (draws, 1), and meet locations of shape (draws, rows).
    scale : callable, optional
        ``scale(location, values, rows)``: rough standard deviation of ``y`` in each row, up to a common factor, for
        a bootstrap of residuals and for the covariance of a noise with kinks. None: the same in all rows.
    kinked : bool
        Whether the slope of the density jumps at the location or near it: a search then weighs rows by score over
        residual, since second derivatives say nothing there.
    scatters : {"log", "share", "count", "value"}
        What ``y`` is, see above.
    reads : tuple of RowData
        Numbers of each run that ``rows`` holds.
    has_mean : bool
        Whether the *response* (not its log) has a mean.
    fixed : tuple of (str, float)
        Parameters that are held, as in ``"student_t[nu=5]"``.
    may_be_zero : tuple of str
        Parameters that may be held at 0.
    anchors : tuple of str
        For a noise that lifts every run, so that the level of the law is not identified beside it: parameters of
        which one must be held (or a non-zero irreducible loss).
    is_density : bool
        False for an objective such as Huber's, which can be minimised and has no posterior.
    about : str
        One line for lists.
    """

    name: str
    parameters: tuple[Parameter, ...]
    log_prob: Callable[[Any, Any, Values, Values], Any] = field(repr=False)
    draw: Callable[[np.random.Generator, Any, Values, Values], np.ndarray] = field(repr=False)
    scale: Callable[[Any, Values, Values], Any] | None = field(default=None, repr=False)
    kinked: bool = False
    scatters: Literal["log", "share", "count", "value"] = "log"
    reads: tuple[RowData, ...] = ()
    has_mean: bool = True
    fixed: tuple[tuple[str, float], ...] = ()
    may_be_zero: tuple[str, ...] = ()
    anchors: tuple[str, ...] = ()
    is_density: bool = True
    about: str = field(default="", repr=False)

    @property
    def structure(self) -> tuple[Any, ...]:
        """What a compiled program depends on."""
        return (self.log_prob, self.scatters, tuple(data.name for data in self.reads))

    @property
    def unbounded(self) -> bool:
        """Whether ``y`` may be any real number."""
        return self.scatters in ("log", "value")

    @property
    def neutral(self) -> float:
        """``y`` of a row that is padding or held out."""
        return 0.0 if self.unbounded else 0.5

    def observed(self, response: np.ndarray) -> np.ndarray:
        """``y`` of a response in reference units."""
        return np.log(response) if self.scatters == "log" else response

    def response(self, y: Any) -> np.ndarray:
        """Inverse of :meth:`observed`: the response in reference units, of ``y`` or of a location."""
        return np.exp(y) if self.scatters == "log" else np.asarray(y)
