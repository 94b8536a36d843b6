"""Figures of laws: every law has one, it says whose coefficients it is drawn at, and its curves are the law's."""

from __future__ import annotations

import json

import numpy as np
import pytest
from helpers import value
from typer.testing import CliRunner

from scalaw.errors import ScalawError
from scalaw.laws import get_law, list_laws
from scalaw.laws.at_published import complete
from scalaw.show.cli import app
from scalaw.show.plots import plot_law
from scalaw.show.plots_law import drawing_of

LAWS = [law.name for law in list_laws()]
VARIANTS = ["chinchilla[alpha=beta]", "bnsl[breaks=3]", "data_mixing_ye[domains=3]", "power_law[alpha=0.1]"]


def run(*args):
    return CliRunner().invoke(app, ["laws", *map(str, args)])


@pytest.mark.parametrize("name", [*LAWS, *VARIANTS])
def test_every_law_has_a_figure_with_finite_curves(name):
    law = get_law(name)
    figure = plot_law(law)
    ax = figure.axes[0]
    curves = [line.get_ydata() for line in ax.lines]
    assert 1 <= len(curves) <= 4 and all(np.isfinite(y).all() and len(y) > 10 for y in curves)
    title, what = figure.get_suptitle(), drawing_of(law)
    assert title.startswith(name) and ax.get_xlabel() and law.response.name in ax.get_ylabel()
    if complete(law) and not (law.fixed or law.ties):
        assert what.entry is complete(law)[0] and f"at {what.entry.key}" in title
        assert ("UNVERIFIED" in title) == (what.entry.status == "unverified")
        assert "prior" not in ax.get_xlabel() + ax.get_ylabel() and not ax.collections
    else:
        assert "(prior" in ax.get_ylabel() and len(ax.collections) == len(curves)


def test_a_curve_is_the_law_at_its_coefficients():
    ax = plot_law(get_law("chinchilla@hoffmann_2022")).axes[0]
    assert [line.get_label() for line in ax.lines] == ["D = 10B", "D = 100B", "D = 1T"]
    for line, tokens in zip(ax.lines, (1e10, 1e11, 1e12), strict=True):
        N, loss = line.get_data()
        np.testing.assert_allclose(loss, value("chinchilla", "hoffmann_2022", N=N, D=tokens), rtol=1e-12)
    assert ax.get_xscale() == ax.get_yscale() == "log" and ax.get_xlabel() == "N: parameters (total)"


def test_a_band_holds_most_draws_and_the_line_is_at_the_medians():
    what = drawing_of(get_law("power_law_offset"))
    (line,) = plot_law(get_law("power_law_offset")).axes[0].lines
    x, y = line.get_data()
    middle = {name: v[0] for name, v in what.values.items()}
    np.testing.assert_allclose(y, middle["E"] + middle["k"] / x ** middle["alpha"], rtol=1e-12)
    assert x[0] == pytest.approx(0.01) and x[-1] == pytest.approx(100.0)


def test_the_same_seed_gives_the_same_figure_and_another_one_another():
    def band(seed):
        return plot_law(get_law("m2"), seed=seed).axes[0].collections[0].get_paths()[0].vertices

    assert np.array_equal(band(0), band(0)) and not np.array_equal(band(0), band(1))


def test_all_parameters_may_be_given():
    figure = plot_law(get_law("power_law_offset[E=1.7,k=3,alpha=0.1]"))
    (line,) = figure.axes[0].lines
    x, y = line.get_data()
    np.testing.assert_allclose(y, 1.7 + 3.0 / x**0.1, rtol=1e-12)
    assert "at the values given" in figure.get_suptitle()


@pytest.mark.parametrize("name", ["chinchilla[E=1.7]", "lr_multipower@luo_2025_400M"])
def test_paper_units_and_prior_draws_are_not_mixed(name):
    with pytest.raises(ScalawError, match="M009.*reference units"):
        plot_law(get_law(name))


@pytest.mark.parametrize("ending", ["svg", "png", "pdf"])
def test_a_figure_is_written_and_a_file_replaced_with_a_word(tmp_path, ending):
    path = tmp_path / f"figure.{ending}"
    first = run("chinchilla", "--plot", "-o", path)
    assert (
        first.exit_code == 0
        and first.stdout.startswith("wrote ")
        and "chinchilla@hoffmann_2022" in first.stdout
    )
    before = path.read_bytes()
    again = run("chinchilla", "--plot", "-o", path)
    assert again.stdout.startswith("replaced ") and path.read_bytes() == before


def test_the_figure_is_named_after_the_law(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("overtraining_gadre@gadre_2024_c4", "--plot", "--json")
    told = json.loads(result.stdout)
    assert told["output"] == "overtraining_gadre_gadre_2024_c4.svg" and (tmp_path / told["output"]).exists()
    assert told["drawn_at"] == {"key": "gadre_2024_c4", "status": "unverified"}
    assert told["laws"][0]["name"] == "overtraining_gadre@gadre_2024_c4"
    assert "UNVERIFIED" in run("overtraining_gadre", "--plot").stdout


@pytest.mark.parametrize(
    ("args", "code", "word"),
    [
        (["chinchilla", "--plot", "-o", "a.html"], 1, "S004"),
        (["chinchilla", "--plot", "-o", "nowhere/a.svg"], 1, "S004"),
        (["chinchilla[E=1.7]", "--plot"], 1, "M009"),
        (["--plot"], 2, "name of a law"),
        (["chinchilla", "-o", "a.svg"], 2, "needs --plot"),
    ],
)
def test_what_cannot_be_drawn_is_refused(tmp_path, monkeypatch, args, code, word):
    monkeypatch.chdir(tmp_path)
    result = run(*args)
    assert result.exit_code == code and word in result.output
    assert not list(tmp_path.iterdir())
