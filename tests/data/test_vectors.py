"""Vectors as columns of a table: order, number, values, and what the runs can tell."""

import numpy as np
import pandas as pd
import pytest

from scalaw.data import read_runs
from scalaw.data.covariates import component_notes, covariate_values, table_of, with_option
from scalaw.errors import ScalawError
from scalaw.laws import get_law
from scalaw.laws.records import Covariate

YE = get_law("data_mixing_ye[domains=3]")
RNG = np.random.default_rng(5)
SHARES = np.round(RNG.dirichlet(np.ones(3), 12), 4)
SHARES[:, 2] = np.round(1 - SHARES[:, 0] - SHARES[:, 1], 4)
LOSS = np.linspace(3.0, 2.0, 12)
NAMES = ["r[web]", "r[code]", "r[books]"]


def table(shares=SHARES, names=NAMES, **others):
    columns = dict(zip(names, np.asarray(shares).T, strict=True))
    return {**columns, "loss": LOSS[: len(shares)], **others}


class Law:
    """A law with one vector, as checks see it."""

    def __init__(self, domain, size=3, scaling="absolute", name="S"):
        self.name, self.free, self.response = "test_law", (), None
        self.covariates = (Covariate(name, "u", domain, scaling, size),)

    def size(self, p):
        return getattr(p, "size", None)


def test_components_come_in_the_order_of_the_table():
    runs = read_runs(table())
    np.testing.assert_array_equal(covariate_values(runs, YE, YE.covariates[0]), SHARES)
    np.testing.assert_array_equal(runs.values("r"), SHARES)
    assert [p.code for p in runs.check(YE)] == []
    assert component_notes(runs, YE) == ["indices of the domains: 1 is r[web], 2 is r[code], 3 is r[books]"]
    assert "3 columns: r[web], r[code], r[books]" in runs.describe()
    with pytest.raises(ScalawError, match="a vector of"):
        runs.along("r")


def test_columns_of_other_names_are_mapped():
    mapping = {"r[web]": "web", "r[code]": "code", "r[books]": "books"}
    runs = read_runs(table(names=["web", "code", "books"]), columns=mapping)
    np.testing.assert_array_equal(runs.values("r"), SHARES)


@pytest.mark.parametrize("units", [{"r": "%"}, dict.fromkeys(NAMES, "%")])
def test_percent_is_divided_where_it_is_said(units):
    frame = table(np.round(100 * SHARES, 2))
    (problem,) = [p for p in read_runs(frame).check(YE) if p.severity == "E"]
    assert problem.code == "D072" and "sum to 100" in problem.what and "units={'r': '%'}" in problem.fix
    runs = read_runs(frame, units=units)
    np.testing.assert_allclose(runs.values("r"), SHARES, rtol=1e-14)
    assert len([text for text in runs.conversions if "times 0.01" in text]) == 3


def changed(row, column, value):
    shares = SHARES.copy()
    shares[row, column] = value
    return table(shares)


@pytest.mark.parametrize(
    ("frame", "law", "code", "fragment"),
    [
        (table(), "data_mixing_ye", "D071", "found 3: r[web], r[code], r[books]. ask for data_mixing_ye[domains=3]"),
        (table(), "data_mixing_ye[domains=2,k=1]", "D071", "ask for data_mixing_ye[domains=3,k=1]"),
        (table(SHARES[:, :2], NAMES[:2]), "data_mixing_ye[domains=3]", "D071", "takes 3 columns r[…]; found 2"),
        ({"web": SHARES[:, 0], "loss": LOSS}, "data_mixing_ye", "D012", "needs 2 columns r[…]; found web"),
        (table(), "data_mixing_shukor[domains=3]", "D012", "needs 3 columns h[…]"),
        (changed(3, 1, 0.9), "data_mixing_ye[domains=3]", "D072", "in row 4 (1 of 12)"),
        (changed(3, 1, np.nan), "data_mixing_ye[domains=3]", "D021", "r[code] is missing in row 4"),
        (changed(3, 1, -0.1), "data_mixing_ye[domains=3]", "D024", "r[code] is -0.1 in row 4"),
        (table(**{"r[web]": ["30%"] * 12}), "data_mixing_ye[domains=3]", "D025", "0.3 for 30 %"),
    ],
)  # fmt: skip
def test_a_table_that_does_not_suit_is_refused_with_a_fix(frame, law, code, fragment):
    found = [p for p in read_runs(frame).check(get_law(law)) if p.severity == "E"]
    assert {p.code for p in found} == {code}
    assert any(fragment in str(p) for p in found), [*map(str, found)]
    assert all(p.fix and len(str(p)) <= 300 for p in found)


def test_shares_within_a_millionth_of_one_are_left_as_they_are():
    shares = SHARES.copy()
    shares[0, 0] += 9e-7
    runs = read_runs(table(shares))
    assert not runs.check(YE) and runs.values("r")[0, 0] == shares[0, 0]
    shares[0, 0] += 2e-7
    assert [p.code for p in read_runs(table(shares)).check(YE)] == ["D072"]


VALUES = RNG.normal(size=(12, 3))


@pytest.mark.parametrize(
    ("domain", "values", "codes"),
    [
        ("share", SHARES / 2, set()),
        ("share", SHARES, set()),
        ("share", (SHARES + 0.1) / 1.2, {"D072"}),
        ("share", SHARES - 0.5, {"D024"}),
        ("real", VALUES, set()),
        ("real", np.where(VALUES > 1, np.inf, VALUES), {"D021"}),
        ("positive", np.exp(VALUES), set()),
        ("positive", VALUES, {"D024"}),
    ],
)
def test_values_are_held_against_the_domain(domain, values, codes):
    frame = table(values, ["S[1]", "S[2]", "S[3]"])
    found = read_runs(frame).check(Law(domain))
    assert {p.code for p in found if p.severity == "E"} == codes


def test_what_the_runs_cannot_tell_apart_is_told():
    part = SHARES[:, 0] / 2
    constant = np.stack([part, 0.9 - part, np.full(12, 0.1)], axis=1)
    (told,) = read_runs(table(constant)).check(YE)
    assert told.code == "D040" and "r[books]" in told.what and "r[web]" not in told.what
    (told,) = read_runs(table(np.tile(SHARES[0], (12, 1)))).check(YE)
    assert told.code == "D040" and "r[web], r[code], r[books]" in told.what
    together = np.stack([part, part, 1 - 2 * part], axis=1)
    (told,) = read_runs(table(together)).check(YE)
    assert told.code == "D041"
    pair = np.stack([VALUES[:, 0], VALUES[:, 1], 2 * VALUES[:, 0] + 1e-3 * VALUES[:, 1]], axis=1)
    (told,) = read_runs(table(pair, ["S[1]", "S[2]", "S[3]"])).check(Law("real"))
    assert (told.code, told.what) == ("D041", "change together: S[1], S[3]")


def test_two_shares_always_change_together_and_that_is_no_fault():
    pair = np.stack([SHARES[:, 0], 1 - SHARES[:, 0]], axis=1)
    assert read_runs(table(pair, NAMES[:2])).check(get_law("data_mixing_ye")) == []


def test_an_array_stands_for_its_columns():
    made = table_of({"r": SHARES, "N": 1e9})
    assert list(made.frame) == ["r[1]", "r[2]", "r[3]", "N"]
    np.testing.assert_array_equal(made.values("r"), SHARES)
    assert made.values("N").tolist() == [1e9] * 12


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("a", "a[d=4]"),
        ("a[d=3]", "a[d=4]"),
        ("a[d=3,k=1]", "a[d=4,k=1]"),
        ("a[alpha=beta]", "a[d=4,alpha=beta]"),
    ],
)
def test_a_printed_name_gets_an_option(label, expected):
    assert with_option(label, "d", 4) == expected


def test_real_mixtures_are_read(data_folder):
    """Losses on Github of 160M models over mixtures of three domains (arXiv:2403.16952)."""
    rows = pd.read_csv(data_folder / "mixing_laws.csv")
    rows = rows[(rows.experiment == "3Mix") & (rows.model == "160M") & (rows.valid_domain == "Github")]
    rows = rows.sort_values("step").groupby("run_id").last()
    mapping = {"r[github]": "p0", "r[books]": "p1", "r[cc]": "p2", "N": None}
    runs = read_runs(rows[["p0", "p1", "p2", "loss"]], columns=mapping)
    assert {p.code for p in runs.check(YE)} <= {"D037"}
    np.testing.assert_allclose(runs.values("r").sum(axis=1), 1.0, atol=1e-6)
