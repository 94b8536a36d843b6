"""Neural scaling laws the Bayesian way: from a table of training runs to a forecast with an honest interval.

Everything public is a name of this module::

    import scalaw as sl

    runs = sl.read_runs("runs.csv")
    fit = sl.fit(runs, "chinchilla", seed=0)
    forecast = sl.forecast(fit, N="70B", D="1.4T", prob=0.9)

Importing scalaw imports none of its parts: a name is looked up when it is first used, so that ``scalaw
--help`` answers at once and ``scalaw check`` never waits for JAX.
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scalaw.data import (
        Runs as Runs,
        check_runs as check_runs,
        parse_quantity as parse_quantity,
        published as published,
        published_tables as published_tables,
        read_runs as read_runs,
    )
    from scalaw.decide import (
        Audit as Audit,
        Comparison as Comparison,
        Forecast as Forecast,
        audit_allocation as audit_allocation,
        audit_claim as audit_claim,
        chain as chain,
        compare as compare,
        compare_fits as compare_fits,
        forecast as forecast,
    )
    from scalaw.errors import Problem as Problem, ScalawError as ScalawError
    from scalaw.infer import (
        Bootstrap as Bootstrap,
        Fit as Fit,
        Fits as Fits,
        PointFit as PointFit,
        bootstrap as bootstrap,
        fit as fit,
        fit_many as fit_many,
        load as load,
        point_fit as point_fit,
        warmup as warmup,
    )
    from scalaw.laws import (
        Covariate as Covariate,
        Law as Law,
        Parameter as Parameter,
        Prior as Prior,
        amplitude as amplitude,
        check_law as check_law,
        exponent as exponent,
        formula_law as formula_law,
        get_law as get_law,
        irreducible as irreducible,
        law as law,
        parameter as parameter,
        scale as scale,
    )
    from scalaw.model import (
        Noise as Noise,
        ScalingModel as ScalingModel,
        check_noise as check_noise,
        get_noise as get_noise,
        simulate as simulate,
    )
    from scalaw.show import report as report

__version__ = "0.1.0"

#: Where each public name lives. The imports above say the same to type checkers.
_NAMES = {
    "scalaw.errors": "Problem ScalawError",
    "scalaw.data": "Runs check_runs parse_quantity published published_tables read_runs",
    "scalaw.laws": "Covariate Law Parameter Prior law irreducible amplitude exponent scale parameter "
    "check_law formula_law get_law",
    "scalaw.model": "Noise ScalingModel check_noise get_noise simulate",
    "scalaw.infer": "Bootstrap Fit Fits PointFit bootstrap fit fit_many load point_fit warmup",
    "scalaw.decide": "Audit Comparison Forecast audit_allocation audit_claim chain compare compare_fits forecast",
    "scalaw.show": "report",
}
_MODULE_OF = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = sorted(_MODULE_OF)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'scalaw' has no attribute '{name}'")
    value = getattr(importlib.import_module(_MODULE_OF[name]), name)
    if isinstance(value, ModuleType):  # e.g. scalaw.laws.law is a file and, inside it, the decorator
        value = getattr(value, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
