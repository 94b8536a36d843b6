"""A saved fit comes back whole, and a file that is no fit is refused in a sentence."""

import json
import shutil
from dataclasses import replace

import h5py
import numpy as np
import pytest
import xarray as xr
from conftest import SHORT

import scalaw as sl
from scalaw.errors import ScalawError

pytestmark = pytest.mark.compiles

POINTS = {"N": ["6.7B", "13B"], "D": ["134B", "260B"]}


def fitted(runs, method):
    """A fit with a prior of its own, a held tail and a run held out."""
    weight = np.where(np.arange(len(runs)) == 3, 0.0, 1.0)
    priors = {"k": "share LogNormal(0.2, 0.8)", "alpha": "LogNormal(0.1, 0.5)"}
    options = {"priors": priors, "noise": "student_t[nu=6]", "row_weight": weight, "x": "C", "seed": 5}
    return sl.fit(runs, "power_law_offset", method=method, evidence=True, **options, **SHORT)


@pytest.fixture(scope="module")
def fits(demo_runs, tmp_path_factory):
    """Method → a fit and where it was saved."""
    folder, found = tmp_path_factory.mktemp("fits"), {}
    for method in ("nuts", "importance"):
        found[method] = fitted(demo_runs, method), folder / f"{method}.nc"
        found[method][0].save(found[method][1])
    return found


@pytest.fixture(scope="module", params=["nuts", "importance"])
def both(request, fits):
    """A fit of either kind, and where it was saved."""
    return fits[request.param]


@pytest.fixture(scope="module")
def fit(fits):
    return fits["nuts"][0]


@pytest.fixture(scope="module")
def saved(fits):
    return fits["nuts"][1]


@pytest.fixture
def copy(saved, tmp_path):
    return shutil.copy(saved, tmp_path / "copy.nc")


@pytest.fixture
def weighted_copy(fits, tmp_path):
    """Of a fit by importance sampling, which has draws of another kind."""
    return shutil.copy(fits["importance"][1], tmp_path / "weighted.nc")


def refused(path, *codes, **arguments):
    with pytest.raises(ScalawError) as caught:
        sl.load(path, **arguments)
    assert caught.value.code in (codes or ("S003",))
    assert str(path.name) in str(caught.value) or caught.value.code != "S003"
    return str(caught.value)


# -- there and back ----------------------------------------------------------------------------------
def test_everything_comes_back(both):
    fit, saved = both
    back = sl.load(saved)
    assert set(back.tree.children) == set(fit.tree.children)
    for group in fit.tree.children:
        for name, values in fit.tree[group].data_vars.items():
            np.testing.assert_array_equal(back.tree[group][name], values)
            assert back.tree[group][name].dims == values.dims
    assert back.model.priors == fit.model.priors
    assert (back.model.law, back.model.noise) == (fit.model.law, fit.model.noise)
    assert back.verdict == fit.verdict
    np.testing.assert_equal(back.parameters, fit.parameters)  # weighted draws have R-hats that are NaN
    assert back.recipe == fit.recipe
    assert back.evidence == fit.evidence and isinstance(back.evidence.log_evidence, float)
    assert back.refs == fit.refs
    assert str(back) == str(fit)
    np.testing.assert_equal(back.to_json(), fit.to_json())


def test_weighted_draws_come_back_beside_those_of_equal_weight(fits):
    fit, saved = fits["importance"]
    back = sl.load(saved)
    assert set(back.tree.children) - set(fits["nuts"][0].tree.children) == {"importance"}
    weighted = back.tree["importance"]
    assert np.exp(weighted["log_importance"].values).sum() == pytest.approx(1.0, rel=1e-9)
    assert set(weighted.data_vars) == {"position", "log_density", "log_proposal", "log_importance"}
    rows = set(map(bytes, weighted["position"].values))
    assert all(bytes(row) in rows for row in back.positions)
    assert (back.recipe["method"], back.recipe["why"]) == ("importance", fit.recipe["why"])


def test_the_runs_come_back_to_the_last_digit(fit, saved):
    back = sl.load(saved).runs
    assert back.digest == fit.runs.digest == fit.recipe["digests"]["runs"]
    assert back.to_frame().equals(fit.runs.to_frame())
    for name in (
        "columns",
        "convention",
        "loss_kind",
        "source",
        "conversions",
        "citation",
        "caveats",
        "flops",
    ):
        assert getattr(back, name) == getattr(fit.runs, name), name


def test_digits_and_missing_cells_of_any_table_survive(fit, tmp_path):
    runs = fit.runs
    n = len(runs)
    frame = runs.to_frame().assign(
        odd=np.geomspace(1e-300, 1e300, n) / 3.0,
        gap=[np.nan, *np.arange(n - 1) / 7.0],
        text=[None, *"é\"'\n,".ljust(n - 1, "x")],
    )
    replace(fit, runs=replace(runs, frame=frame)).save(tmp_path / "odd.nc")
    assert sl.load(tmp_path / "odd.nc").runs.digest == replace(runs, frame=frame).digest


def test_forecasts_of_a_loaded_fit_are_the_same(both):
    fit, saved = both
    one, two = sl.forecast(fit, **POINTS), sl.forecast(sl.load(saved), **POINTS)
    np.testing.assert_array_equal(one.curve, two.curve)
    np.testing.assert_array_equal(one.predictive, two.predictive)
    assert one.to_json() == two.to_json()
    listed = sl.forecast([fit, replace(sl.load(saved), model=fit.model)][:1], **POINTS)
    assert listed.to_json() == one.to_json()


def test_saving_twice_and_saving_a_loaded_fit_give_the_same_fit(both, tmp_path):
    back = sl.load(both[1])
    back.save(tmp_path / "again.nc")
    back.save(tmp_path / "again.nc")
    again = sl.load(tmp_path / "again.nc")
    np.testing.assert_equal(again.to_json(), back.to_json())
    assert [p.name for p in tmp_path.iterdir()] == ["again.nc"]


# -- laws that changed -------------------------------------------------------------------------------
def test_a_law_that_changed_since_is_refused(fit, saved):
    changed = replace(fit.model.law, function=lambda x, *, E, k, alpha: E + k / x ** (2 * alpha))
    assert "has changed since" in refused(saved, law=changed)


def test_a_law_of_ones_own_is_passed_along(fit, tmp_path):
    own = replace(fit, model=replace(fit.model, law=replace(fit.model.law, name="mine")))
    own.save(tmp_path / "own.nc")
    refused(tmp_path / "own.nc", "M002")
    assert sl.load(tmp_path / "own.nc", law=own.model.law).label == "mine"


# -- writing ---------------------------------------------------------------------------------------
def test_a_folder_that_is_not_there_is_said(fit, tmp_path):
    with pytest.raises(ScalawError) as caught:
        fit.save(tmp_path / "nowhere" / "fit.nc")
    assert caught.value.code == "S004"


def test_a_folder_in_the_way_is_said(fit, tmp_path):
    (tmp_path / "fit.nc").mkdir()
    with pytest.raises(ScalawError) as caught:
        fit.save(tmp_path / "fit.nc")
    assert caught.value.code == "S004"
    assert [p.name for p in tmp_path.iterdir()] == ["fit.nc"]


@pytest.mark.parametrize(("error", "raised"), [(OSError(28, "No space left on device"), ScalawError),
                                               (KeyboardInterrupt(), KeyboardInterrupt)])  # fmt: skip
def test_a_failed_write_leaves_the_old_file(fit, saved, copy, monkeypatch, error, raised):
    def fail(tree, path, **_):
        with open(path, "w") as file:
            file.write("half")
        raise error

    monkeypatch.setattr(xr.DataTree, "to_netcdf", fail)
    with pytest.raises(raised):
        fit.save(copy)
    assert copy.read_bytes() == saved.read_bytes()
    assert [p.name for p in copy.parent.iterdir()] == ["copy.nc"]


# -- files that are no fits ----------------------------------------------------------------------------
def test_a_missing_file_is_said(tmp_path):
    refused(tmp_path / "none.nc", "D001")
    refused(tmp_path, "D001")


@pytest.mark.parametrize(
    "content", [b"", b"N,D,loss\n", b"\x89HDF\r\n\x1a\n", b"\x00" * 5000, b"CDF\x01" + b"\xff" * 900]
)
def test_foreign_bytes_are_refused(tmp_path, content):
    path = tmp_path / "fit.nc"
    path.write_bytes(content)
    refused(path)


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(copy, share):
    whole = copy.read_bytes()
    copy.write_bytes(whole[: int(len(whole) * share)])
    refused(copy)


@pytest.mark.parametrize("seed", range(5))
def test_a_damaged_file_is_refused_or_read(copy, seed):
    """Bytes overwritten at random: a sentence, or a fit when they hit only numbers; nothing else."""
    rng = np.random.default_rng(seed)
    content = bytearray(copy.read_bytes())
    for at in rng.integers(0, len(content), 40):
        content[at : at + 16] = rng.bytes(16)
    copy.write_bytes(bytes(content[: copy.stat().st_size]))
    try:
        assert isinstance(sl.load(copy), sl.Fit)
    except ScalawError as error:
        assert error.code in ("S003", "M002", "M005", "M009")


def test_another_netcdf_file_is_refused(tmp_path):
    xr.Dataset({"a": ("x", [1.0])}).to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    refused(tmp_path / "other.nc")


TEXTS = {
    "no text": "",
    "no JSON": "{",
    "a list": "[]",
    "nothing": "{}",
    "deep": "[" * 100_000,
    "null": "null",
}


@pytest.mark.parametrize("case", TEXTS)
def test_attributes_that_say_nothing_are_refused(copy, case):
    with h5py.File(copy, "a") as file:
        file.attrs["scalaw"] = TEXTS[case]
    refused(copy)


def change(path, *keys, to=None):
    """Set one entry of the JSON attribute, or take it out."""
    with h5py.File(path, "a") as file:
        told = json.loads(file.attrs["scalaw"])
        place = told
        for key in keys[:-1]:
            place = place[key]
        if to is None:
            del place[keys[-1]]
        else:
            place[keys[-1]] = to
        file.attrs["scalaw"] = json.dumps(told)


ENTRIES = ["format", "law", "noise", "priors", "refs", "verdict", "parameters", "recipe", "runs", "frame"]
KINDS = [None, 5, [], {}, "os.system('true')", [[1]]]


@pytest.mark.parametrize(
    ("entry", "to"),
    [(entry, to) for entry in ENTRIES for to in KINDS if (entry, to) != ("priors", {})],
    ids=repr,
)
def test_entries_of_another_kind_are_refused(copy, entry, to):
    change(copy, entry, to=to)
    refused(copy, "S003", "M002")


HOSTILE = {
    "a later format": ("format", 3),
    "a reference that is text": ("refs", "units", "loss", "1"),
    "a reference of zero": ("refs", "units", "x", 0.0),
    "an infinite reference": ("refs", "units", "x", float("inf")),
    "a statistic that is text": ("refs", "statistics", "loss_min", "low"),
    "a level that does not exist": ("verdict", "level", "GREAT"),
    "reasons that are a number": ("verdict", "reasons", 5),
    "another field in the verdict": ("verdict", "evil", 1),
    "no parameters": ("parameters", []),
    "a parameter without a name": ("parameters", 0, "name", 5),
    "a parameter that the law does not have": ("parameters", 0, "name", "zzz"),
    "an index that is text": ("parameters", 0, "index", "E"),
    "digests that are text": ("recipe", "digests", "abc"),
    "no digest of the runs": ("recipe", "digests", "runs", 5),
    "no seconds": ("recipe", "seconds", 5),
    "a reason that is no text": ("recipe", "why", 5),
    "a Pareto k that is text": ("recipe", "weights", "pareto_k", "low"),
    "weights that are a list": ("recipe", "weights", []),
    "an evidence that is text": ("recipe", "evidence", "log_evidence", "10"),
    "a reason against it that is a number": ("recipe", "evidence", "no_evidence", 5),
    "another figure of the evidence": ("recipe", "evidence", "evil", 1.0),
    "another fact of the runs": ("runs", "frame", []),
    "columns that are a list": ("runs", "columns", ["N"]),
    "a source that is a number": ("runs", "source", 5),
    "a short row": ("frame", "data", 0, [1.0]),
    "a loss that is text": ("frame", "data", 0, 0, {"a": 1}),
    "a prior of an unknown family": ("priors", "alpha", "family", "Cauchy"),
    "a prior without numbers": ("priors", "alpha", "numbers", []),
    "a prior of nothing known": ("priors", "zzz", {"family": "HalfNormal", "numbers": [1.0]}),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_entries_are_refused(copy, case):
    *keys, to = HOSTILE[case]
    change(copy, *keys, to=to)
    refused(copy, "S003", "M005", "M009")


def test_nothing_is_run_that_the_file_names(copy):
    """A law of a file is looked up among known laws; its name is no expression."""
    change(copy, "law", to="__import__('os').system('true')")
    refused(copy, "M002", "M009")


GROUPS = {
    "a group too few": lambda tree: tree.drop_nodes("log_prior"),
    "a group too many": lambda tree: tree.assign({"evil": xr.DataTree(xr.Dataset())}),
    "a parameter too few": lambda tree: put(tree, "posterior", tree["posterior"].to_dataset().drop_vars("k")),
    "a parameter too many": lambda tree: put(
        tree, "posterior", tree["posterior"].to_dataset().assign(z=tree["posterior"]["k"])
    ),
    "a coordinate too few": lambda tree: put(
        tree, "sampling", tree["sampling"].to_dataset().isel(coordinate=slice(0, 4))
    ),
    "draws too few": lambda tree: put(tree, "sampling", tree["sampling"].to_dataset().isel(draw=slice(0, 9))),
    "runs too few": lambda tree: put(
        tree, "constant_data", tree["constant_data"].to_dataset().isel(run=slice(0, 4))
    ),
    "weights that are no numbers": lambda tree: put(
        tree, "constant_data", tree["constant_data"].to_dataset().assign(row_weight=("run", ["a"] * 10))
    ),
    "weights below zero": lambda tree: put(
        tree, "constant_data", tree["constant_data"].to_dataset().assign(row_weight=("run", [-1.0] * 10))
    ),
    "positions that are text": lambda tree: put(
        tree, "sampling", tree["sampling"].to_dataset().map(lambda values: values.astype(str))
    ),
}


def put(tree, name, dataset):
    return tree.assign({name: xr.DataTree(dataset)})


def change_groups(path, of):
    with xr.open_datatree(path, engine="h5netcdf") as opened:
        tree = opened.load()
    of(tree).to_netcdf(path, engine="h5netcdf")


@pytest.mark.parametrize("case", GROUPS)
def test_groups_that_do_not_fit_together_are_refused(copy, case):
    change_groups(copy, GROUPS[case])
    refused(copy)


def of_weighted(change):
    return lambda tree: put(tree, "importance", change(tree["importance"].to_dataset()))


WEIGHTED_GROUPS = {
    "no weights": of_weighted(lambda data: data.drop_vars("log_importance")),
    "no positions": of_weighted(lambda data: data.drop_vars("position")),
    "a coordinate too few": of_weighted(lambda data: data.isel(coordinate=slice(0, 4))),
    "weights of other draws": of_weighted(
        lambda data: data.assign(log_importance=("other", np.zeros(data.sizes["weighted_draw"] - 1)))
    ),
    "one weight": of_weighted(lambda data: data.assign(log_importance=0.0)),
    "densities in two dimensions": of_weighted(lambda data: data.assign(log_density=data["position"])),
    "weights that are text": of_weighted(
        lambda data: data.assign(log_importance=data["log_importance"].astype(str))
    ),
    "weights in a group too many": lambda tree: tree.assign(
        {"evil": xr.DataTree(tree["importance"].to_dataset())}
    ),
}


@pytest.mark.parametrize("case", WEIGHTED_GROUPS)
def test_weighted_draws_that_do_not_fit_together_are_refused(weighted_copy, case):
    change_groups(weighted_copy, WEIGHTED_GROUPS[case])
    refused(weighted_copy)
