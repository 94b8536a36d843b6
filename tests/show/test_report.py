"""The report: one safe file that says everything a decision needs, with the numbers of the records."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

import scalaw as sl
from scalaw.errors import ScalawError
from scalaw.show.report import render
from scalaw.show.report_content import number, span

pytestmark = pytest.mark.compiles

HOSTILE = "<script>alert(1)</script>"
ACTUAL = {0: 1.704, 1: 1.572}
VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """Tags balanced, ids, links and the text that a reader sees."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.tags, self.links, self.words = [], [], set(), [], []
        self.feed(text)
        self.close()
        assert not self.open
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self._seen(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self._seen(tag, attrs)

    def _seen(self, tag, attrs):
        self.tags.add(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        self.links += [value for name, value in attrs if name in ("href", "src", "srcset", "action")]
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)


@pytest.fixture(scope="module")
def forecast(demo_comparison):
    return demo_comparison.forecast(N=["6.7B", "13B"], D=["133B", "257B"])


@pytest.fixture(scope="module")
def text(demo_comparison, forecast):
    return render(demo_comparison, forecast=forecast, actual=ACTUAL, title="Which model next?")


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


@pytest.fixture(scope="module")
def fits(demo_comparison):
    return {f.label: f for f in demo_comparison.fits}


def test_the_file_carries_everything_in_itself(text, page):
    assert "<script" not in text.lower() and "javascript:" not in text.lower()
    assert not page.tags & {"script", "link", "img", "iframe", "object", "form", "foreignobject"}
    assert all(link.startswith("#") for link in page.links)
    assert set(re.findall(r"https?://[^\s\"'<)]*", text)) <= {"http://www.w3.org/2000/svg"}
    assert "@import" not in text and all(u.startswith("#") for u in re.findall(r"url\(([^)]*)\)", text))


def test_ids_are_unique_and_every_reference_has_its_target(text, page):
    assert len(page.ids) == len(set(page.ids))
    used = {link[1:] for link in page.links} | set(re.findall(r"url\(#([^)]*)\)", text))
    assert used <= set(page.ids)


def test_every_reason_note_and_caveat_is_said(page, demo_comparison, forecast):
    runs = demo_comparison.fits[0].runs
    for fit in demo_comparison.fits:
        assert all(reason in page.text for reason in (*fit.verdict.reasons, *fit.verdict.notes))
    said = (
        *forecast.notes,
        *demo_comparison.notes,
        *runs.caveats,
        *runs.conversions,
        runs.citation,
        runs.flops,
    )
    assert all(" ".join(sentence.split()) in page.text for sentence in said)
    assert "total parameters" in page.text and "loss (nats per token)" in page.text
    assert demo_comparison.level in page.text


def test_intervals_are_those_of_the_forecast_rounded(page, forecast):
    for row, loss in zip(forecast.to_json()["points"], ACTUAL.values(), strict=True):
        for key in ("predictive", "curve"):
            assert f"{row[key]['lower']:.3f} to {row[key]['upper']:.3f}" in page.text
        assert f"{row['predictive']['median']:.3f}" in page.text
        assert f"{loss:.3f} (" in page.text
        assert f" {row['reach_decades']:.1f} " in page.text
        for found in row["by_law"].values():
            assert f"{found['median']:.3f} ({found['lower']:.3f} to {found['upper']:.3f})" in page.text
    assert "90 % equal-tailed" in page.text
    assert "equal weights" in page.text


def test_the_comparison_is_told_with_its_doubts(page, demo_comparison):
    for score in demo_comparison.scores:
        assert f"{score['elpd']:.2f}" in page.text and f"{score['law_weight']:.2f}" in page.text
    best = f"{demo_comparison.best} is clearly ahead" if demo_comparison.best else "cannot tell"
    assert best in page.text


def test_held_out_runs_have_their_own_score(demo_comparison):
    scores = tuple({**s, "holdout_log_score": 3.217} for s in demo_comparison.scores)
    held = replace(demo_comparison, fits=demo_comparison.fits[:1], scores=scores, held_out=2)
    page = Page(render(held))
    assert "mean log score of 2 held-out runs" in page.text and "3.22" in page.text


def test_parameters_stand_beside_prior_and_published_values(page, fits):
    for fit in fits.values():
        for p in fit.to_json()["parameters"]:
            assert (
                f"{p['rhat']:.3f}" in page.text and f"{p['ess_bulk']:.0f} / {p['ess_tail']:.0f}" in page.text
            )
            assert span(p) in page.text and span(p["prior"]) in page.text
            assert all(q["source"] in page.text for q in p["published"])
        for value in (*fit.recipe["digests"].values(), *fit.recipe["versions"].values()):
            assert value in page.text


def test_weighted_draws_have_no_chains_to_tell_of(demo_weighted):
    forecast = demo_weighted.forecast(N=["6.7B", "13B"], D=["133B", "257B"])
    page = Page(render(demo_weighted, forecast=forecast, actual=ACTUAL))
    assert "nan" not in page.text.lower().replace("finance", "")
    for fit in demo_weighted.fits:
        weights = fit.recipe["weights"]
        assert f"{weights['kish']:.0f} (Kish)" in page.text
        assert f"importance, seed 0: {fit.recipe['why']}" in page.text
        assert f"Pareto k {weights['pareto_k']:.2f}" in page.text
        for p in fit.to_json()["parameters"]:
            assert span(p) in page.text


def test_figures_are_all_there(page, text):
    assert text.count('role="img"') == 3 + 2 * 3  # fan, data, exponents; residuals and calibration per law
    assert "Which model next?" in page.text


def hostile_fit(fit):
    """The same posterior on a table and a law whose every name is an attack."""
    law = replace(fit.model.law, name=HOSTILE, source=HOSTILE, about=HOSTILE)
    frame = fit.runs.frame.rename(columns={"C": HOSTILE})
    columns = {**fit.runs.columns, "C": HOSTILE, "x": HOSTILE}
    runs = replace(
        fit.runs,
        frame=frame,
        columns={role: name for role, name in columns.items() if role != "C"},
        source=HOSTILE,
        citation=HOSTILE,
        caveats=(HOSTILE,),
        conversions=(HOSTILE,),
        flops=HOSTILE,
    )
    verdict = replace(fit.verdict, reasons=(HOSTILE,), notes=("\x00\ud800$\\frac{",))
    return replace(fit, model=replace(fit.model, law=law), runs=runs, verdict=verdict)


def test_hostile_names_come_out_as_text(fits, tmp_path):
    fit = hostile_fit(fits["power_law"])
    forecast = sl.forecast(fit, **{HOSTILE: [5e21]})
    path = sl.report(fit, tmp_path / "hostile.html", forecast=forecast, title=HOSTILE)
    text = path.read_text(encoding="utf-8")
    assert "<script" not in text.lower()
    assert Page(text).text.count(HOSTILE) > 10


def test_one_fit_needs_no_forecast_and_the_same_fit_gives_the_same_file(fits, tmp_path):
    paths = [sl.report(fits["chinchilla"], tmp_path / name) for name in ("a.html", "b.html")]
    first, second = (path.read_bytes() for path in paths)
    assert first == second
    page = Page(first.decode())
    assert "Forecast " not in page.text and "besiroglu_2024" in page.text
    assert sorted(os.listdir(tmp_path)) == ["a.html", "b.html"]


@pytest.mark.parametrize("name", ["", "no/such/folder/r.html", "r" * 300 + ".html", "r\x00.html"])
def test_a_place_that_cannot_be_written_is_refused(fits, tmp_path, name, monkeypatch):
    monkeypatch.setattr("scalaw.show.report.render", lambda *_, **__: "text")
    with pytest.raises(ScalawError, match="S004"):
        sl.report(fits["power_law"], f"{tmp_path}/{name}")
    assert not list(tmp_path.iterdir())


def test_a_report_is_replaced_whole_or_not_at_all(fits, tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(28, "No space left on device")

    path = tmp_path / "r.html"
    path.write_text("before")
    monkeypatch.setattr("scalaw.show.report.render", lambda *_, **__: "after")
    with monkeypatch.context() as patch:
        patch.setattr("os.replace", refused)
        with pytest.raises(ScalawError, match="No space left"):
            sl.report(fits["power_law"], path)
    assert path.read_text() == "before" and os.listdir(tmp_path) == ["r.html"]
    assert sl.report(fits["power_law"], path).read_text() == "after"


def test_what_does_not_belong_together_is_refused(fits, forecast):
    with pytest.raises(ScalawError, match="P004"):
        render(fits["power_law"], forecast=forecast)
    with pytest.raises(ScalawError, match="P001"):
        render(fits["power_law"], actual={0: 1.7})
    with pytest.raises(ScalawError, match="P004"):
        render([])


@pytest.mark.parametrize(
    "value, digits, shown",
    [
        (1.7, 4, "1.700"),
        (9.9996, 4, "10.00"),
        (124.5, 2, "120"),
        (1925.6, 4, "1926"),
        (-0.0721, 2, "−0.072"),
        (0.0, 4, "0.000"),
        (8.2e17, 2, "8.2e17"),
        (3.21e-7, 2, "3.2e−7"),
        (None, 4, "–"),
        (float("nan"), 4, "–"),
    ],
)
def test_numbers_keep_their_significant_digits(value, digits, shown):
    assert number(value, digits) == shown
