"""Learning-rate schedules in a table: builders, files beside it, and nothing that is run."""

import gzip

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from scalaw.data import read_runs
from scalaw.data.schedule_files import read_schedule
from scalaw.data.schedules import BUILDERS, Schedule, after_warmup, parse_schedule
from scalaw.errors import ScalawError
from scalaw.laws import get_law
from scalaw.laws.families.schedule import annealed

LAW = get_law("lr_annealing_tissue")


def rates(text):
    return parse_schedule(text).rates


def step_by_step(shape, T):
    """Rates by a plain loop over steps counted from 1."""
    return np.array([shape(i) for i in range(1, T + 1)])


EXPECTED = {
    "constant(peak=3e-4, steps=7)": step_by_step(lambda i: 3e-4, 7),
    "cosine(peak=3e-4, end=3e-5, steps=10)": step_by_step(
        lambda i: 3e-5 + 0.5 * 2.7e-4 * (1 + np.cos(np.pi * (i - 1) / 10)), 10
    ),
    "linear(peak=2, end=0, steps=8)": step_by_step(lambda i: 2 - 2 * (i - 1) / 8, 8),
    "wsd(peak=2, end=1, steps=9, decay=4)": np.array([2, 2, 2, 2, 2, 2, 1.75, 1.5, 1.25]),
    "step(peak=1, steps=7, every=3, factor=0.5)": np.array([1, 1, 1, 0.5, 0.5, 0.5, 0.25]),
    " linear ( end = 0.0 ,peak=2,steps=6 , warmup=2 ) ": np.array([2 / 3, 4 / 3, 2, 1.5, 1, 0.5]),
}


@pytest.mark.parametrize("text", EXPECTED)
def test_a_builder_gives_the_rate_of_every_step(text):
    np.testing.assert_allclose(rates(text), EXPECTED[text], rtol=1e-14)


def test_the_convention_is_that_of_the_annealing_law():
    """Areas and losses of 10,000 steps at L_0 2.6, A 0.4, alpha 0.5 and C 0.4."""
    for text, areas, loss in (
        ("constant(peak=3e-4, steps=10000)", (3.0, 0.0), 2.83094011),
        ("cosine(peak=3e-4, end=3e-5, steps=10000)", (1.650135, 0.25787736), 2.80823590),
    ):
        found = annealed(after_warmup(rates(text)))
        np.testing.assert_allclose(found, areas, rtol=0, atol=5e-9)
        assert LAW(areas=found, L_0=2.6, A=0.4, alpha=0.5, C=0.4) == pytest.approx(loss, abs=5e-9)


@pytest.mark.parametrize("name", BUILDERS)
def test_warm_up_rises_below_the_peak_and_is_what_laws_do_not_get(name):
    own = {"peak": 3e-4, "end": 1e-5, "steps": 50, "decay": 10, "every": 7, "factor": 0.5}
    arguments = {key: own[key] for key in BUILDERS[name]}
    bare = Schedule(name, tuple(arguments.items())).rates
    warm = Schedule(name, tuple((arguments | {"steps": 62, "warmup": 12}).items())).rates
    assert len(warm) == 62 and np.all(np.diff(warm[:13]) > 0) and warm[:12].max() < 3e-4
    np.testing.assert_array_equal(after_warmup(warm), bare)
    np.testing.assert_array_equal(after_warmup(bare), bare)


@st.composite
def schedules(draw):
    name = draw(st.sampled_from(sorted(BUILDERS)))
    peak = draw(st.floats(1e-8, 1e3))
    steps = draw(st.integers(2, 300))
    warmup = draw(st.integers(0, steps - 1))
    choices = {
        "peak": peak,
        "end": draw(st.floats(0, 1)) * peak,
        "steps": steps,
        "decay": draw(st.integers(1, steps - warmup)),
        "every": draw(st.integers(1, steps)),
        "factor": draw(st.floats(0.5, 0.99)),
    }
    given_ = [(key, float(choices[key])) for key in BUILDERS[name]]
    return Schedule(name, (*given_, ("warmup", float(warmup))) if draw(st.booleans()) else tuple(given_))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(schedules())
def test_a_schedule_reads_back_from_its_text(schedule):
    assert parse_schedule(str(schedule)) == schedule
    assert len(schedule.rates) == dict(schedule.arguments)["steps"] and schedule.rates.min() > 0


PIECES = [
    "cosine",
    "wsd",
    "step",
    "(",
    ")",
    "peak=",
    "end=",
    "steps=",
    "warmup=",
    ",",
    "1",
    "1e-3",
    "-1",
    "1e999",
    " ",
    ".",
]
HOSTILE = [
    "__import__('os').system('id')",
    "cosine.__class__.__mro__",
    "(lambda: 1)()",
    "cosine(peak=3e-4, end=3e-5, steps=10**9)",
    "cosine(peak=open('x'), end=0, steps=3)",
    "constant(peak=1, steps=1e300)",
    "constant(peak=1, steps=99999999999)",
    "constant(peak=nan, steps=3)",
    "constant(peak=inf, steps=3)",
    "constant(peak=١, steps=3)",
    "constant(" + "peak=1," * 100 + "steps=3)",
    "constant(peak=1, steps=3); exit()",
    "{peak}",
    "../../etc/passwd.csv\0",
    "=cosine(1)",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_cells_are_refused(text):
    with pytest.raises(ScalawError) as caught:
        parse_schedule(text)
    assert caught.value.code == "D070" and str(caught.value).isprintable() and len(str(caught.value)) < 300


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=14).map("".join)))
def test_any_text_is_a_schedule_or_refused(text):
    try:
        found = parse_schedule(text).rates
    except ScalawError as error:
        assert error.code == "D070" and str(error).isprintable()
    else:
        assert found.ndim == 1 and np.all(np.isfinite(found) & (found > 0))


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("cosine", "is no schedule"),
        ("", "an empty cell"),
        ("cosin(peak=1, end=0, steps=3)", "no builder cosin"),
        ("cosine(peak=1, steps=3)", "end missing"),
        ("cosine(peak=1, end=0, steps=3, decay=1)", "decay is no argument"),
        ("cosine(peak=1, end=0, steps=3, steps=3)", "steps is given twice"),
        ("cosine(peak=1, end=0, steps=3, warmup=3)", "warmup must be"),
        ("cosine(1, 0, 3)", "cannot read '1'"),
        ("linear(peak=1, end=2, steps=3)", "end must lie"),
        ("constant(peak=0, steps=3)", "peak must be above 0"),
        ("constant(peak=1, steps=2.5)", "whole number of steps"),
        ("wsd(peak=1, end=0, steps=10, decay=0.2)", "decay must be a whole number"),
        ("wsd(peak=1, end=0, steps=10, decay=9, warmup=5)", "at most those after the warm-up"),
        ("step(peak=1, steps=9, every=3, factor=2)", "factor must lie"),
        ("step(peak=1e-300, steps=9, every=1, factor=1e-9)", "falls to 0"),
    ],
)
def test_a_refusal_says_what_is_wrong(text, fragment):
    with pytest.raises(ScalawError) as caught:
        rates(text)
    assert fragment in str(caught.value) and caught.value.problems[0].fix


FILES = {
    "plain.csv": ("3e-4\n3e-4\n1e-4\n", [3e-4, 3e-4, 1e-4], ""),
    "named.csv": ("lr\n3e-4\n3e-4\n1e-4\n", [3e-4, 3e-4, 1e-4], ""),
    "steps.csv": ("step,lr\n1,4\n2,4\n4,2\n", [4, 4, 3, 2], "1 of 4 steps filled in on straight lines"),
    "bare.csv": ("0,2\n1,1\n", [2, 1], ""),
    "table.tsv": ("loss\tlearning_rate\tstep\n9\t2\t1\n8\t1\t2\n", [2, 1], ""),
    "warm.csv": ("0\n1\n2\n2\n1\n", [0, 1, 2, 2, 1], "the first 2 of 5 steps rise and count as warm-up"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_file_holds_a_rate_per_step(name, tmp_path):
    text, expected, told = FILES[name]
    path = tmp_path / name
    path.write_text(text)
    found, said = read_schedule(path)
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    assert said == told


CELL = st.sampled_from(
    ["step", "lr", "1", "2", "3", "0", "-1", "1e-3", "1e400", "nan", "", '"', ",", "\t", "x", "٣"]
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.one_of(st.binary(max_size=40), st.lists(CELL, max_size=16).map(lambda c: "\n".join(c).encode()),
                 st.lists(st.lists(CELL, min_size=1, max_size=3), max_size=8).map(
                     lambda rows: "\n".join(",".join(row) for row in rows).encode())))  # fmt: skip
def test_any_file_is_a_schedule_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(content)
    try:
        found, told = read_schedule(path)
    except ScalawError as error:
        assert str(error).isprintable()
    else:
        assert np.all(np.isfinite(found)) and after_warmup(found).min() > 0 and told.isprintable()


def test_a_file_of_one_endless_line_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("1" * 200_000)
    with pytest.raises(ScalawError, match="D070"):
        read_schedule(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("a,b\n1,2\n", "columns step and lr"),
        ("1,2,3\n1,2,3\n", "columns step and lr"),
        ("lr\n", "no learning rate"),
        (",,\n", "no learning rate"),
        ("lr\n1\nx\n", "line 3 is no number"),
        ("1\n2\n3\n", "only rises"),
        ("2\n1\n0\n", "0 or less after the warm-up"),
        ("-1\n2\n1\n", "0 or less"),
        ("step,lr\n5,1\n6,1\n", "begin at 0 or 1"),
        ("step,lr\n1,1\n1,1\n", "rise"),
        ("step,lr\n1,1\n1e9,1\n", "too many"),
        ("", "0 bytes"),
        ("PK\x03\x04", "a zip file"),
    ],
)
def test_a_file_that_is_no_schedule_is_refused_with_its_row(text, fragment, tmp_path):
    (tmp_path / "a.csv").write_text(text)
    table = tmp_path / "runs.csv"
    table.write_text('schedule,loss\n"constant(peak=1, steps=3)",3\na.csv,2\n')
    with pytest.raises(ScalawError) as caught:
        read_runs(table)
    (problem,) = caught.value.problems
    assert problem.code == "D070" and fragment in str(problem) and "'a.csv' in row 2 (1 of 2)" in str(problem)


def table_of_files(folder):
    (folder / "in").mkdir(exist_ok=True)
    (folder / "in" / "a.csv.gz").write_bytes(gzip.compress(b"step,lr\n0,1\n4,0.5\n"))
    path = folder / "runs.csv"
    path.write_text('schedule,loss\nin/a.csv.gz,3\n"cosine(peak=1, end=0, steps=9)",2\n')
    return path


def test_schedules_in_files_belong_to_the_runs(tmp_path):
    path = table_of_files(tmp_path)
    runs = read_runs(path)
    np.testing.assert_allclose(runs.schedules["in/a.csv.gz"], [1, 0.875, 0.75, 0.625, 0.5])
    assert "3 of 5 steps filled in" in " ".join(runs.conversions)
    first = runs.select([0]).convert("bits")
    assert first.schedules is runs.schedules and first.digest != runs.digest
    (tmp_path / "in" / "a.csv.gz").write_bytes(b"step,lr\n0,1\n4,0.4\n")
    other = read_runs(path)
    assert other.digest != runs.digest and other.select([1]).digest == runs.select([1]).digest


@pytest.mark.parametrize("cell", ["../secret.csv", "/etc/hosts.csv", "in/../../secret.csv"])
def test_files_elsewhere_are_not_read(cell, tmp_path):
    (tmp_path / "secret.csv").write_text("1\n1\n")
    (tmp_path / "table").mkdir()
    path = tmp_path / "table" / "runs.csv"
    path.write_text(f"schedule,loss\n{cell},3\n")
    with pytest.raises(ScalawError, match="lies outside the folder"):
        read_runs(path)


def test_a_column_of_labels_is_no_business_of_other_laws():
    runs = read_runs({"N": [1e8, 1e9], "schedule": ["cosine", "wsd"], "loss": [3, 2]})
    assert not [p for p in runs.problems if p.code == "D070"]
    (problem, *_) = runs.check(LAW)
    assert problem.code == "D070" and "'cosine' in row 1" in str(problem)
    with pytest.raises(ScalawError, match="'cosine' in row 1"):
        read_runs({"lr": ["cosine", "wsd"], "loss": [3, 2]}, columns={"schedule": "lr"})


@pytest.mark.parametrize("column", ["schedule", "areas"])
def test_one_column_serves_any_law_with_a_schedule(column):
    text = "constant(peak=1, steps=3)"
    runs = read_runs({column: [text] * 9, "loss": np.linspace(3, 2, 9)})
    assert {p.code for p in runs.check(LAW)} == {"D040"}
    told = runs.check(get_law("lr_multipower"))
    assert ("D012" in {p.code for p in told}) == (column == "areas")


def test_schedules_of_one_shape_are_told():
    texts = [f"cosine(peak={p}, end={p / 10}, steps={n})" for p in (1, 2) for n in (100, 200, 400, 800)]
    runs = read_runs({"schedule": texts, "loss": np.linspace(3, 2, 8)})
    told = {p.code: str(p) for p in runs.check(LAW)}
    assert "8 schedules of one shape" in told["D041"]
    mixed = read_runs(
        {"schedule": [*texts[:-1], "constant(peak=1, steps=300)"], "loss": np.linspace(3, 2, 8)}
    )
    assert "D041" not in {p.code for p in mixed.check(LAW)}
