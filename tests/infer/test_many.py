"""Many laws × many data sets: the same draws as alone, honest verdicts, few programs, nothing lost by an interrupt."""

import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import SHORT
from helpers import counting_compilations, simulated

import scalaw as sl
from scalaw.errors import ScalawError
from scalaw.infer import lanes, many, programs, routes
from scalaw.infer.importance import EFFORT
from scalaw.infer.programs import executable
from scalaw.infer.summaries import SCORES, Summary

pytestmark = pytest.mark.compiles

LAWS = ("power_law_offset", "power_law")
QUICK = {"method": "importance", **SHORT}


def tables(n=3):
    """Data sets of 16, 15, 14, … runs of one law, by name."""
    made = {f"t{i}": simulated("power_law_offset", seed=i) for i in range(n)}
    return {name: runs.select(np.arange(16 - i)) for i, (name, runs) in enumerate(made.items())}


@pytest.fixture(scope="module")
def fits():
    """Two variants of one structure on three tables and one that is too short."""
    few = tables(1)["t0"].select(np.arange(3))
    return sl.fit_many({**tables(), "few": few}, LAWS, **QUICK)


def same(one: sl.Fits, i: int, other: sl.Fits, j: int) -> None:
    """Two fits are the same to the bit."""
    a, b = one.summaries[i], other.summaries[j]
    assert a is not None and b is not None
    for name in ("table", "position", "values", "log_density", "mode", "whiten"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert repr(a.told) == repr(b.told)


# -- what comes back ---------------------------------------------------------------------------------
def test_laws_are_outermost_and_every_fit_is_told(fits):
    assert [(p.model.label, p.name) for p in fits.planned] == [
        (law, name) for law in LAWS for name in ("t0", "t1", "t2", "few")
    ]
    assert str(fits) == "8 fits: 6 OK, 2 BAD (6 by importance, 2 refused)"
    assert fits.only(law="power_law", data="t1") == [5]
    assert fits.only(verdict="BAD") == [3, 7]


def test_a_table_that_cannot_be_fitted_is_bad_and_stops_nothing(fits):
    assert fits.verdict == fits.told[3]["verdict"] == "BAD"
    assert "D042" in fits.told[3]["reasons"][0]
    with pytest.raises(ScalawError, match="M018.*power_law_offset to few.*3 runs"):
        fits[3]
    missing = simulated("power_law_offset").along("x")
    other = replace(missing, frame=missing.frame.rename(columns={"x": "C"}), columns={})
    found = sl.fit_many({"odd": other, "good": missing}, LAWS[:1], x="x", **QUICK)
    assert [one["verdict"] for one in found.told] == ["BAD", "OK"]
    assert "D012" in found.told[0]["reasons"][0]


def test_a_frame_has_a_row_per_fit_and_an_interval_per_parameter(fits):
    frame = fits.to_frame()
    assert list(frame["verdict"]) == [one["verdict"] for one in fits.told]
    assert frame["E"].isna().tolist() == [False] * 3 + [True] * 5  # held in power_law, refused in the fourth
    good = frame[frame["verdict"] == "OK"]
    assert ((good["alpha_lower"] < good["alpha"]) & (good["alpha"] < good["alpha_upper"])).all()
    assert list(frame["n_runs"]) == [16, 15, 14, 3] * 2


def test_one_dataset_with_a_scenario_dimension(fits, tmp_path):
    data = fits.dataset
    assert dict(data.sizes) == {"scenario": 8, "parameter": 5, "draw": 1000, "coordinate": 5}
    picked = data["median"].sel(parameter="alpha").values
    np.testing.assert_array_equal(picked, fits.to_frame()["alpha"].to_numpy())
    data.to_netcdf(tmp_path / "fits.nc", engine="h5netcdf")


def test_plain_data_has_no_nan(fits):
    import json

    told = fits.to_json()
    again = json.loads(json.dumps(told, allow_nan=False))
    assert {"law", "scenario", "method", "verdict", "parameters", "elpd_loo", "log_evidence"} <= again[
        "fits"
    ][0].keys()
    assert again["fits"][0]["parameters"][0]["rhat"] is None
    assert again["fits"][3]["parameters"] == [] and again["fits"][3]["method"] is None
    assert again["fits"][3]["no_evidence"] == "there is no fit" and again["fits"][0]["no_evidence"] is None
    wild = replace(fits.summaries[0], table=np.full_like(fits.summaries[0].table, np.inf))
    wild = replace(wild, told={**wild.told, "pareto_k": np.inf})
    json.dumps(sl.Fits(fits.planned[:1], (wild,), fits.recipe).to_json(), allow_nan=False)
    assert again["compilations"] == fits.recipe["compilations"]


def test_one_of_many_is_a_fit(fits, tmp_path):
    one = fits[4]
    assert (one.label, one.verdict.level, one.recipe["method"]) == ("power_law", "OK", "importance")
    assert one.draws("alpha").shape == (1000,)
    one.save(tmp_path / "one.nc")
    np.testing.assert_array_equal(sl.load(tmp_path / "one.nc").draws("k"), one.draws("k"))
    assert one.recipe["weights"]["kish"] == fits.told[4]["kish"]
    assert sl.forecast(one, x=1e23).notes
    assert "power_law" in str(one)


# -- the same draws ----------------------------------------------------------------------------------
def test_it_is_what_fit_finds(fits):
    alone = sl.fit(tables()["t1"], "power_law_offset", method="importance", bootstrap=0)
    place = fits.only(law="power_law_offset", data="t1")[0]
    row = fits.to_frame().iloc[place]
    for p in alone.rows():
        spread = p["upper"] - p["lower"]
        for end, name in (("median", p["name"]), *((e, f"{p['name']}_{e}") for e in ("lower", "upper"))):
            # twenty standard errors of a median are half an interval at two thousand draws
            assert abs(p[end] - row[name]) < 0.15 * spread, (name, end)
    assert alone.recipe["evidence"]["log_evidence"] == pytest.approx(row["log_evidence"], abs=0.1)


def test_adding_a_law_or_a_data_set_changes_no_others_draws(fits):
    fewer = sl.fit_many({"t2": tables()["t2"]}, "power_law", **QUICK)
    same(fewer, 0, fits, fits.only(law="power_law", data="t2")[0])


def test_a_seed_is_a_seed(fits):
    other = sl.fit_many({"t2": tables()["t2"]}, "power_law", seed=1, **QUICK)
    assert not np.array_equal(other.summaries[0].position, fits.summaries[6].position)


def test_slices_change_nothing(fits, monkeypatch):
    monkeypatch.setattr(many, "SLICE", 2)
    again = sl.fit_many(tables(), LAWS, **QUICK)
    for i, place in enumerate((0, 1, 2, 4, 5, 6)):
        same(again, i, fits, place)


def test_by_cuts_a_table_by_its_labels(fits):
    frames = [runs.frame.assign(family=name, seed=1.0) for name, runs in tables().items()]
    stacked = replace(tables(1)["t0"], frame=pd.concat(frames, ignore_index=True))
    cut = sl.fit_many(stacked, "power_law", by="family", **QUICK)
    assert [plan.name for plan in cut.planned] == ["t0", "t1", "t2"]
    for i in range(3):
        same(cut, i, fits, 4 + i)
    both = sl.fit_many({"x": stacked}, "power_law", by=["family", "seed"], **QUICK)
    assert [plan.name for plan in both.planned] == [f"x/t{i}, 1.0" for i in range(3)]


def test_single_precision_agrees_within_monte_carlo_error(fits):
    narrow = sl.fit_many({"t0": tables(1)["t0"]}, "power_law_offset", precision="float32", **QUICK)
    one, other = narrow.to_frame().iloc[0], fits.to_frame().iloc[0]
    assert one["verdict"] == "OK"
    for name in ("E", "k", "alpha", "sigma", "nu"):
        spread = other[f"{name}_upper"] - other[f"{name}_lower"]
        for end in ("", "_lower", "_upper"):
            assert abs(one[name + end] - other[name + end]) < 0.15 * spread
    assert narrow.summaries[0].position.dtype == np.float64


# -- leave-one-out -----------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def left_out():
    """Method → fits of which leave-one-out was asked for; of the chains every draw is kept."""
    return {
        method: sl.fit_many(tables(2), LAWS, method=method, loo=True, keep=2000, **SHORT)
        for method in ("importance", "nuts")
    }


@pytest.mark.filterwarnings("ignore:Estimated shape parameter")
def test_leave_one_out_of_chains_is_that_of_arviz(left_out):
    import arviz_stats

    for i, fit in enumerate(left_out["nuts"]):
        wanted = arviz_stats.loo(fit.tree, var_name="loss", pointwise=True)
        told = left_out["nuts"].told[i]
        assert told["elpd_loo"] == pytest.approx(wanted.elpd, abs=1e-5)
        assert told["elpd_loo"] == pytest.approx(fit.elpd_loo, abs=1e-5)
        assert told["elpd_loo_se"] == pytest.approx(wanted.se, abs=1e-5)
        assert told["loo_pareto_k"] == pytest.approx(float(wanted.pareto_k.max()), abs=1e-2)


def test_weighted_draws_and_chains_leave_out_alike(left_out):
    """Over seeds the two scatter by 0.06 and 0.11 nats at these settings: four standard errors of the difference."""
    compared = 0
    for one, other in zip(left_out["importance"].told, left_out["nuts"].told, strict=True):
        if max(one["loo_pareto_k"], other["loo_pareto_k"]) < 0.7:
            assert one["elpd_loo"] == pytest.approx(other["elpd_loo"], abs=0.5)
            assert one["elpd_loo_se"] == pytest.approx(other["elpd_loo_se"], rel=0.1)
            compared += 1
    assert compared >= 2


def test_leave_one_out_changes_nothing_else_and_is_none_where_not_asked_for(fits, left_out):
    asked, not_asked = left_out["importance"].summaries[0], fits.summaries[0]
    np.testing.assert_array_equal(asked.table, not_asked.table)
    assert not_asked.told["elpd_loo"] is None and fits.to_json()["fits"][0]["elpd_loo"] is None
    told = left_out["importance"].to_json()["fits"][0]
    assert {name: told[name] for name in SCORES} == {name: asked.told[name] for name in SCORES}


# -- evidence ----------------------------------------------------------------------------------------
def test_every_fit_has_an_evidence_or_a_reason_why_not(fits, left_out):
    for found in (fits, *left_out.values()):
        frame = found.to_frame()
        assert (frame["log_evidence"].isna() == frame["no_evidence"].notna()).all()
    chains, weights = left_out["nuts"], left_out["importance"]
    assert any(isinstance(one["log_evidence"], float) for one in chains.told)
    for i, (one, other) in enumerate(zip(chains.told, weights.told, strict=True)):
        if None not in (one["log_evidence"], other["log_evidence"]):
            error = np.hypot(one["log_evidence_se"], other["log_evidence_se"])
            assert abs(one["log_evidence"] - other["log_evidence"]) < 4 * error
        assert chains[i].evidence == tuple(one[n] for n in ("log_evidence", "log_evidence_se", "no_evidence"))


# -- refusals ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"by": "nothing"}, "D012"),
        ({"runs": []}, "D040"),
        ({"runs": [simulated("power_law"), simulated("power_law")]}, "D069"),
        ({"laws": []}, "M013"),
        ({"keep": 3}, "M013"),
        ({"precision": "float16"}, "M013"),
        ({"method": "guess"}, "M013"),
        ({"chains": 1}, "M013"),
        ({"priors": {"alhpa": "LogNormal(0.1, 1)"}}, "M009"),
        ({"laws": ["power_law", "no_such_law"]}, "M002"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_sampled(options, code):
    arguments = {"runs": simulated("power_law"), "laws": LAWS, **options}
    with pytest.raises(ScalawError) as refused:
        sl.fit_many(arguments.pop("runs"), arguments.pop("laws"), **arguments)
    assert refused.value.code == code


def test_runs_without_a_label_are_refused():
    runs = simulated("power_law")
    runs = replace(runs, frame=runs.frame.assign(family=["a"] * 15 + [None]))
    with pytest.raises(ScalawError, match="1 runs have no label"):
        sl.fit_many(runs, "power_law", by="family")


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ScalawError, match="S004"):
        sl.fit_many(simulated("power_law"), "power_law", resume=tmp_path / "file" / "folder")


def test_a_prior_is_for_the_laws_that_have_its_parameter(fits):
    found = sl.fit_many(tables(1), LAWS, priors={"E": "share Beta(30, 2)"}, **QUICK)
    same(found, 1, fits, 4)
    assert not np.array_equal(found.summaries[0].table, fits.summaries[0].table)


# -- an interrupt ------------------------------------------------------------------------------------
class Stop:
    """Progress that raises once so many fits are done."""

    def __init__(self, after):
        self.after = after

    def __call__(self, text):
        if text.startswith(f"{self.after} of"):
            raise KeyboardInterrupt


def counted(monkeypatch):
    """Scenarios that are sampled from now on."""
    seen = []

    def watched(scenarios, *args, **options):
        seen.extend(s.name for s in scenarios)
        return real(scenarios, *args, **options)

    real = many.sample
    monkeypatch.setattr(many, "sample", watched)
    return seen


def test_what_was_finished_before_an_interrupt_is_kept(fits, monkeypatch, tmp_path):
    monkeypatch.setattr(many, "SLICE", 2)
    with pytest.raises(KeyboardInterrupt):
        sl.fit_many(tables(), LAWS, resume=tmp_path, progress=Stop(after=4), **QUICK)
    assert len(list(tmp_path.iterdir())) == 2
    sampled = counted(monkeypatch)
    again = sl.fit_many(tables(), LAWS, resume=tmp_path, **QUICK)
    assert len(sampled) == 2
    for i, place in enumerate((0, 1, 2, 4, 5, 6)):
        same(again, i, fits, place)
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("damage", ["cut", "changed", "foreign", "empty"])
def test_a_damaged_slice_is_made_again(fits, monkeypatch, tmp_path, damage):
    first = sl.fit_many(tables(2), "power_law", resume=tmp_path, **QUICK)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    middle = len(whole) // 2
    broken = {
        "cut": whole[:middle],
        "changed": whole[:middle] + bytes(64) + whole[middle + 64 :],
        "foreign": b"something else",
        "empty": b"",
    }
    path.write_bytes(broken[damage])
    sampled = counted(monkeypatch)
    again = sl.fit_many(tables(2), "power_law", resume=tmp_path, **QUICK)
    assert len(sampled) == 2
    same(again, 0, first, 0)
    assert path.read_bytes() != broken[damage]


@pytest.mark.parametrize("options", [{"seed": 1}, {"keep": 60}, {"priors": {"alpha": "LogNormal(0.1, 0.5)"}}])
def test_a_folder_of_other_settings_is_not_read(monkeypatch, tmp_path, options):
    sl.fit_many(tables(1), "power_law", resume=tmp_path, **QUICK)
    sampled = counted(monkeypatch)
    sl.fit_many(tables(1), "power_law", resume=tmp_path, **QUICK, **options)
    assert len(sampled) == 1


def test_runs_that_changed_are_fitted_again(monkeypatch, tmp_path):
    sl.fit_many(tables(1), "power_law", resume=tmp_path, **QUICK)
    sampled = counted(monkeypatch)
    sl.fit_many({"t0": simulated("power_law_offset", seed=5)}, "power_law", resume=tmp_path, **QUICK)
    assert len(sampled) == 1


# -- programs ----------------------------------------------------------------------------------------
def test_other_data_compile_nothing(fits):
    with counting_compilations() as compiled:
        again = sl.fit_many(tables(5), LAWS, seed=3, **QUICK)
    assert len(compiled) == 0
    assert again.recipe["compilations"] == 0


def test_mixed_sizes_and_laws_compile_one_program_per_law_method_and_bucket():
    """Four laws of one structure on tables of 9 to 30 runs, which are two buckets."""
    long = simulated("power_law_offset", at={"x": np.geomspace(1e18, 1e22, 30)})
    data = {str(n): long.select(np.arange(n)) for n in (9, 16, 17, 30)}
    laws = [*LAWS, "power_law_offset[alpha=0.2]", "power_law[alpha=0.05]"]
    found = sl.fit_many(data, laws, **QUICK)
    # a search and a sampler for each bucket; and the summaries', which know no law
    assert found.recipe["compilations"] <= 2 * 2 + 1
    assert sl.fit_many(data, laws, seed=1, **QUICK).recipe["compilations"] == 0


def test_a_warm_up_compiles_all_that_fits_ask_for(fits, demo_comparison, monkeypatch):
    warmed, asked = [], []

    def recorded(key):
        asked.append(key)
        return executable(key)

    # the package's name is the function
    monkeypatch.setattr(
        sys.modules["scalaw.infer.warmup"], "compile_keys", lambda keys, _: warmed.extend(keys)
    )
    told = sl.warmup("power_law_offset", rows=[16, 12], method="auto", loo=True, **SHORT)
    assert told.programs == len(set(warmed)) == 10 and told.seconds > 0
    for module in (programs, lanes):
        monkeypatch.setattr(module, "executable", recorded)
    for method in ("importance", "nuts"):
        sl.fit_many(tables(1), "power_law_offset", method=method, loo=True, **SHORT)
        sl.fit(tables(1)["t0"], "power_law_offset", method=method, bootstrap=3, **SHORT)
    assert set(asked) == set(warmed)


@pytest.mark.parametrize("options", [{"rows": 0}, {"rows": []}, {"method": "guess"}, {"chains": 0}])
def test_nothing_is_warmed_up_for_settings_that_make_no_sense(options):
    with pytest.raises(ScalawError, match="M013"):
        sl.warmup("power_law_offset", **options)


@pytest.mark.parametrize("law", ["chinchilla", "kaplan_l_nd", "bnsl", "m4"])
def test_a_stand_in_has_the_shapes_of_real_runs(law):
    import jax

    from scalaw.infer.fit import model_of
    from scalaw.infer.scenarios import arrays_of
    from scalaw.infer.warmup import stand_in

    made = arrays_of(stand_in(model_of(law), 12), 16)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(made))


# -- NUTS where it is needed -------------------------------------------------------------------------
def test_auto_says_which_method_served_which_fit(demo_comparison, demo_runs, monkeypatch):
    """The demo's comparison has compiled NUTS for these shapes."""
    data = {"ten": demo_runs, "nine": demo_runs.select(np.arange(9))}
    monkeypatch.setattr(routes, "PASSES", 1)
    kish = [one["kish"] for one in sl.fit_many(data, LAWS, x="C", **QUICK).told]
    monkeypatch.setattr(routes, "ACCEPTED_SHARE", np.median(kish) / EFFORT.draws)
    monkeypatch.setattr(routes, "SHARE_PER_K", 0.0)
    found = sl.fit_many(data, LAWS, x="C", **SHORT)
    assert sorted(one["method"] for one in found.told) == ["importance", "importance", "nuts", "nuts"]
    for i, one in enumerate(found.told):
        summary = found.summaries[i]
        assert isinstance(summary, Summary)
        assert np.isfinite(summary.table[:, :6]).all()
        assert (one["method"] == "nuts") == bool(np.isfinite(summary.table[:, 6]).all())
        if one["method"] == "nuts":
            assert "not accepted" in one["why"] and one["pareto_k"] is None
    by_nuts = sl.fit_many({"ten": demo_runs}, "power_law", x="C", method="nuts", **SHORT)
    assert by_nuts.told[0]["why"] == "as asked for"
    alone = next(f for f in demo_comparison.fits if f.label == "power_law")
    row, (k, *_) = by_nuts.to_frame().iloc[0], alone.rows()
    assert abs(row["k"] - k["median"]) < 0.15 * (k["upper"] - k["lower"])
    assert by_nuts[0].recipe["settings"]["draws"] == SHORT["draws"]


# -- several processes -------------------------------------------------------------------------------
ELSEWHERE = """
import numpy as np
from scalaw.infer.hosts import join
join("127.0.0.1:{port}", 2, {process})
import scalaw as sl, test_many
for folder in {folders!r}:
    fits = sl.fit_many(test_many.tables(), test_many.LAWS, resume=folder, **test_many.QUICK)
    again = sl.fit_many(test_many.tables(), test_many.LAWS, resume=folder, **test_many.QUICK)
    assert again.recipe["seconds"]["run"] == 0.0
    for i in range(len(fits)):
        test_many.same(again, i, fits, i)
np.savez({to!r}, *[s.position for s in fits.summaries])
"""


def start_elsewhere(port, process, to, folders):
    here = Path(__file__).parent
    env = os.environ | {"JAX_PLATFORMS": "cpu", "JAX_NUM_CPU_DEVICES": "1"}
    env["PYTHONPATH"] = os.pathsep.join([str(here), str(here.parent)])
    code = ELSEWHERE.format(port=port, process=process, to=str(to), folders=list(map(str, folders)))
    return subprocess.Popen([sys.executable, "-c", code], env=env, stderr=subprocess.PIPE, text=True)


def test_two_processes_give_the_draws_of_one(fits, tmp_path):
    """Their folders to resume from may be one, or each one's own."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    started = [
        start_elsewhere(port, k, tmp_path / f"{k}.npz", [tmp_path / "shared", tmp_path / f"own {k}"])
        for k in range(2)
    ]
    try:
        for process in started:
            _, errors = process.communicate(timeout=300)
            assert process.returncode == 0, errors
    finally:
        for process in started:
            process.kill()
    for k in range(2):
        there = np.load(tmp_path / f"{k}.npz")
        for i, place in enumerate((0, 1, 2, 4, 5, 6)):
            np.testing.assert_array_equal(there[f"arr_{i}"], fits.summaries[place].position)
