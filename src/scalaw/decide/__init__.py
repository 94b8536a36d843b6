"""What it is good for: comparing laws and forecasting runs."""

from scalaw.decide.compare import Comparison, compare, compare_fits
from scalaw.decide.forecast import Forecast, forecast

__all__ = ["Comparison", "Forecast", "compare", "compare_fits", "forecast"]
