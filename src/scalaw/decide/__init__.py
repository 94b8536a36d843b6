"""What it is good for: comparing laws, forecasting runs, in one stage or two, auditing claims."""

from scalaw.decide.audit import Audit, audit_allocation, audit_claim
from scalaw.decide.chain import chain
from scalaw.decide.compare import Comparison, compare, compare_fits
from scalaw.decide.forecast import Forecast, forecast

__all__ = [
    "Audit",
    "Comparison",
    "Forecast",
    "audit_allocation",
    "audit_claim",
    "chain",
    "compare",
    "compare_fits",
    "forecast",
]
