# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A first forecast
#
# From a table of runs to the loss of runs that are larger, with an interval, on figures that were published: twelve
# Cerebras-GPT models (Dey et al. 2023, arXiv:2304.03208). The ten up to 2.7B parameters are fitted; the other two
# are forecast, and what came of them is in the table.
#
# Your own runs are read by `sl.read_runs("runs.csv")`, from columns N (parameters), D (training tokens) and loss.

# %%
import scalaw as sl

table = sl.published("cerebras_gpt")
runs = table.select(table.values("N") < 3e9)
larger = table.select(table.values("N") > 3e9)
print(runs.describe())

# %% [markdown]
# ## Check
#
# Before anything is fitted: what do the runs allow one to learn? A problem of severity E would be refused; W is a
# warning, I a note. `scalaw explain D041` tells more about a code.

# %%
for problem in runs.check(sl.get_law("chinchilla")):
    print(problem.severity, problem)

# %% [markdown]
# ## Fit
#
# The chains are short here, to answer soon; leave `draws` and `warmup` out in earnest.

# %%
short = {"draws": 500, "warmup": 500}
fit = sl.fit(runs, "chinchilla", x="C", seed=0, **short)
print(fit)

# %% [markdown]
# The verdict comes first. OK: use it. LOOK: read the reasons, then decide. BAD: do not use it. Here N and D rise
# together in every run, so no method can tell their two exponents apart, and the fit says so. Its forecasts along
# the same line D = 20 N may still hold.

# %%
print(fit.verdict)

# %% [markdown]
# ## Compare
#
# Three laws on the same runs: one power law in compute, the same above an irreducible loss, and Chinchilla. `elpd` is
# how well each predicts a run that it has not seen; a difference of less than twice its standard error `dse`, or less
# than 4, decides nothing.

# %%
comparison = sl.compare(runs, ["power_law", "power_law_offset", "chinchilla"], x="C", seed=0, **short)
print(comparison)

# %% [markdown]
# ## Forecast
#
# Which law is right far beyond the runs cannot be seen inside them, so the forecast averages the laws with equal
# weights. `loss` is a new run's, `curve` the law's without the noise between runs. The intervals leave the law's own
# error out.

# %%
at = {name: larger.values(name) for name in ("N", "D", "C")}
forecast = comparison.forecast(prob=0.9, **at)
print(forecast)

# %% [markdown]
# What was published:

# %%
larger.to_frame()[["N", "D", "loss"]]

# %% [markdown]
# ## Report
#
# One HTML file to read, send or print.

# %%
actual = dict(enumerate(larger.values("loss").tolist()))
sl.report(comparison, "first_forecast.html", forecast=forecast, actual=actual)
