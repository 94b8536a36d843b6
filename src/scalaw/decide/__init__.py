"""What it is good for: comparing laws, forecasting runs, auditing claims."""

from scalaw.decide.audit import Audit, audit_allocation, audit_claim
from scalaw.decide.compare import Comparison, compare, compare_fits
from scalaw.decide.forecast import Forecast, forecast

__all__ = [
    "Audit",
    "Comparison",
    "Forecast",
    "audit_allocation",
    "audit_claim",
    "compare",
    "compare_fits",
    "forecast",
]
