"""What it is good for: comparing laws and forecasting runs."""

from scalaw.decide.compare import Comparison, compare
from scalaw.decide.forecast import Forecast, forecast

__all__ = ["Comparison", "Forecast", "compare", "forecast"]
