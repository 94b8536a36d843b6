"""The catalogue of bad input, executed: what comes in, which code comes out, and what it says."""

import dataclasses
import gzip

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from scalaw.data import Runs, check_runs, read_runs
from scalaw.errors import ScalawError
from scalaw.laws import get_law

GOOD = "N,D,loss\n1e8,2e9,3.1\n3e8,9e9,2.8\n1e9,1e10,2.6\n"


def write(folder, content, name="runs.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refusals(source, **options):
    with pytest.raises(ScalawError) as caught:
        read_runs(source, **options)
    for problem in caught.value.problems:
        text = str(problem)
        assert problem.severity == "E" and "\n" not in text and len(text) <= 300
    return caught.value.problems


REFUSED = [
    ("D002", b"", {}, "0 bytes"),
    ("D002", b" \n\n", {}, "nothing but blanks"),
    ("D003", "N,D,loss\n", {}, "0 runs"),
    ("D003", "N,loss\n1e8,\n", {"missing": "drop"}, "none of 1 run is left"),
    ("D004", "N,loss,ö\n1e8,3,a\n".encode("latin-1"), {}, "byte 0xf6 at offset 7 is not UTF-8"),
    ("D004", GOOD.encode("utf-16"), {}, "encoding='utf-16'"),
    ("D004", GOOD, {"encoding": "klingon"}, "no encoding 'klingon'"),
    ("D004", "N,loss\n1e8,3\0\n", {}, "zero byte"),
    ("D007", GOOD, {"sep": ", "}, "not one character"),
    ("D008", "N;loss\n1e8;2,31\n", {}, "pass decimal=','"),
    ("D008", "N,loss\n1e8,'2.314'\n".replace("'2.314'", '"2,314"'), {}, "'2,314' in row 1"),
    ("D008", "N;loss\n1e8;2.31\n", {"decimal": ","}, "pass decimal='.'"),
    ("D010", "N,D,loss\n1e8,2e9,3.1\n1e8,2e9,3.1,7\n", {}, "line 3 has 4"),
    ("D010", 'N,loss\n1e8,"3.1\n', {}, "line 2"),
    ("D011", "N,D,N,loss\n1,2,3,4\n", {}, "'N' appears 2 times (places 1, 3)"),
    ("D011", "a,a ,N,loss\n1,2,3,4\n", {}, "'a' appears 2 times"),
    ("D012", "N,tokens,score\n1e8,2e9,3\n", {}, "no column for loss; found N, tokens, score"),
    ("D012", GOOD, {"columns": {"N": "sizes"}}, "no column 'sizes' for N"),
    ("D012", GOOD, {"x": "step"}, "no column 'step' for x"),
    ("D012", GOOD, {"units": {"E": "B"}}, "units for 'E'"),
    ("D012", GOOD, {"groups": ["family"]}, "no column 'family'"),
    ("D012", "1e8,2e9,3.1\n3e8,9e9,2.8\n", {}, "numbers, not names"),
    ("D013", "N,val_loss,train_loss\n1e8,3,2\n", {}, "columns={'loss': 'val_loss'}"),
    ("D013", "N,params,loss\n1e8,3e8,2\n", {}, "2 columns could be N"),
    ("D013", GOOD, {"columns": {"N": "D", "D": "D"}}, "given as N and as D"),
    ("D015", b"PK\x03\x04abc", {}, "an Excel workbook"),
    ("D015", "<!DOCTYPE html><html>", {}, "a web page"),
    ("D015", b"\x1f\x8b\x08broken", {}, "broken gzip"),
    ("D015", b"PAR1abc", {}, "is Parquet"),
    ("D019", "N,loss\n1e8,3\n-,2\nTBD,2\n", {}, "'-' in row 2, 'TBD' in row 3 (2 cells)"),
    ("D019", "N,loss\n1e8,#REF!\n", {}, "na_values=['#REF!']"),
    ("D019", "N,loss\n1e8,3B\n", {}, "'3B' in row 1"),
    ("D020", "N,loss\n1e8,3\n2e8,\n3e8,nan\n", {}, "loss is missing in rows 2, 3 (2 of 3)"),
    ("D021", "N,loss\n1e8,3\nNA,2\n", {}, "N is missing in row 2 (1 of 2)"),
    ("D022", "N,loss\n1e8,inf\n", {}, "loss is infinite in row 1"),
    ("D023", "N,loss\n1e8,3\n2e8,-0.12\n", {}, "loss is -0.12 in row 2"),
    ("D023", "N,loss\n1e8,1.0\n", {"loss_kind": "perplexity"}, "above 1"),
    ("D024", "N,D,loss\n0,2e9,3\n", {}, "N is 0 in row 1"),
    ("D024", "N,D,loss\n1e8,-5,3\n", {}, "D is -5 in row 1"),
    ("D025", "N,loss\nTrue,3\n", {}, "true or false"),
    ("D026", "N,loss\n-2147483648,3\n", {}, "32-bit integer"),
    ("D028", "N,loss\n70B,2\n7e9,3\n13,4\n", {}, "'70B' in row 1"),
    ("D028", "N,loss\n3e21 FLOP,2\n", {}, "N is given in FLOP"),
    ("D028", "N,loss\n70B,2\n", {"units": {"N": "B"}}, "cells carry their own unit"),
    ("D030", "N,loss\n70m,2\n", {}, "use M for million"),
    ("D030", "N,tokens,loss\n1e8,5 MB,2\n", {}, "bytes are no tokens"),
    ("D030", "N,loss\n3G,2\n", {}, "units='si'"),
    ("D030", GOOD, {"units": {"N": "parsec"}}, "no unit 'parsec'"),
    ("D032", GOOD, {"loss_kind": "dB"}, "no loss kind 'dB'"),
    ("D032", GOOD, {"loss_kind": "bits_per_byte", "convert_to": "nats"}, "bytes_per_token"),
    ("D033", "N,accuracy\n1e8,42.7\n", {}, "units={'loss': '%'}"),
    ("D050", "N,loss,family\n1e8,3,a\n2e8,2, \n", {"groups": ["family"]}, "no group label in row 2"),
    ("D058", "N,loss\n1e300,3\n", {}, "N = 1e+300 in row 1"),
    ("D058", "N,loss\n18446744073709551615,3\n", {}, "N = 1.84e+19"),
    ("D059", "N,loss\n1e8,3.1%\n", {}, "'3.1%' in row 1"),
    ("D070", "schedule,loss\nconstant(peak=1),3\n", {}, "'constant(peak=1)' in row 1"),
    ("D070", "schedule,loss\nlr.csv,3\n", {}, "'lr.csv' in row 1 (1 of 1): no such file"),
    ("D070", "lr,loss\nconstant,3\n", {"columns": {"schedule": "lr"}}, "'constant' in row 1"),
    ("D059", "r[a],r[b],loss\n30%,70%,3\n", {"columns": {"r[a]": "r[a]"}}, "'30%' in row 1"),
    ("D065", GOOD, {"missing": "guess"}, "missing='guess'"),
    ("D065", GOOD, {"convention": "all"}, "convention='all'"),
]


@pytest.mark.parametrize(("code", "content", "options", "fragment"), REFUSED)
def test_refused(tmp_path, code, content, options, fragment):
    found = refusals(write(tmp_path, content), **options)
    assert [p.code for p in found] == [code]
    assert fragment in str(found[0])


@pytest.mark.parametrize(
    ("name", "content", "code", "fragment"),
    [
        ("runs.json", '[{"N": 1e8,}]', "D017", "line 1 column 1"),
        ("runs.json", '{"N": 1e8}', "D017", "not a list of objects"),
        ("runs.json", "[1, 2]", "D017", "entry 1 of 2 is no object"),
        ("runs.json", '{"N": 1}\n{"N": 2}', "D017", ".jsonl"),
        ("runs.json", '[{"N": 1, "N": 2}]', "D011", "'N' appears twice"),
        ("runs.json", "[" * 100_000, "D017", "broken JSON"),
        ("runs.json", '[{"N": ' + "9" * 5000 + ', "loss": 2}]', "D017", "broken JSON"),
        ("runs.json", '[{"N": true, "loss": 2}]', "D025", "true or false"),
        ("runs.json", '[{"N": [1], "loss": 2}]', "D019", "'[1]' in row 1"),
        ("runs.json", '[{"N": 1e8, "loss": 2}, {"N": 1e8}]', "D020", "row 2"),
        ("runs.json", "[]", "D003", "0 runs"),
        ("runs.jsonl", '{"N": 1e8, "loss": 2}\n{"N":\n', "D017", "line 2"),
        ("runs.parquet", "no parquet", "D015", "no Parquet file"),
    ],
)
def test_refused_by_other_formats(tmp_path, name, content, code, fragment):
    found = refusals(write(tmp_path, content, name))
    assert found[0].code == code
    assert fragment in str(found[0])


@pytest.mark.parametrize(
    ("column", "fragment"),
    [
        (pd.to_datetime(["2020-01-01", "2021-01-01"]), "a date"),
        (np.array([1 + 2j, 2.0]), "complex"),
        (np.array([True, False]), "boolean"),
    ],
)
def test_columns_of_a_wrong_type(column, fragment):
    found = refusals({"N": column, "loss": [2.0, 3.0]})
    assert [p.code for p in found] == ["D025"]
    assert fragment in str(found[0])


def test_files_that_are_not_there(tmp_path):
    write(tmp_path, GOOD, "runs_2.csv")
    assert "the folder has 'runs_2.csv'" in str(refusals(tmp_path / "runs.csv")[0])
    assert "is a folder" in str(refusals(tmp_path)[0])
    assert refusals(tmp_path / "a\0b.csv")[0].code == "D001"
    assert refusals(str(tmp_path / "none" / "x.csv"))[0].code == "D001"


def test_what_is_no_table():
    assert refusals(7)[0].code == "D017"
    assert refusals({"N": [1, 2], "loss": [1]})[0].code == "D017"


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    found = refusals(write(tmp_path, b"PAR1", "runs.parquet"))
    assert (found[0].code, "scalaw[parquet]" in found[0].fix) == ("D018", True)


def test_every_problem_is_told_at_once():
    found = refusals({"N": [-1.0, 1e8], "D": ["x", "2e9"], "loss": [np.inf, np.nan], "flops": ["5%", "1"]})
    assert sorted(p.code for p in found) == ["D019", "D020", "D022", "D024", "D059"]


TEN = pd.DataFrame(
    {
        "N": np.geomspace(1e8, 1e10, 10),
        "D": np.geomspace(1e10, 1e11, 10)[[3, 1, 0, 2, 5, 4, 7, 9, 6, 8]],
        "loss": np.geomspace(3.5, 2.0, 10),
    }
)


def at(row, column, value):
    return TEN.assign(**{column: TEN[column].where(TEN.index != row, value)})


TOLD = [
    ("D009", "W", TEN.astype(str).replace(str(TEN.N[0]), "100,000,000"), {}, "100,000,000"),
    ("D013", "W", TEN.rename(columns={"loss": "train_loss"}), {}, "not held-out"),
    ("D014", "W", TEN.rename(columns={"loss": " Loss "}), {}, "read column ' Loss ' as loss"),
    ("D014", "W", TEN.rename(columns={"N": "Ν"}), {}, "U+039D GREEK CAPITAL LETTER NU"),
    ("D027", "W", TEN.assign(N=TEN.N / 1e9), {}, "units={'N': 'B'}"),
    ("D027", "W", TEN.assign(C=np.geomspace(1, 100, 10))[["C", "loss"]], {}, "units={'C': 'PF-days'}"),
    ("D029", "I", TEN.assign(N=[f"{n / 1e6:.0f}M" for n in TEN.N]), {}, "'100M' in row 1"),
    ("D032", "W", TEN.assign(loss=np.exp(TEN.loss)), {}, "as a perplexity would be"),
    ("D032", "E", TEN.assign(loss_kind=["nats", "bits"] * 5), {}, "mixes bits, nats"),
    ("D033", "W", TEN.assign(loss=TEN.loss / 4), {}, "as a share would"),
    ("D034", "W", TEN.assign(C=4 * TEN.N * TEN.D), {}, "median 0.667"),
    ("D035", "I", TEN, {}, "C computed as 6ND"),
    ("D035", "I", TEN.assign(C=6 * TEN.N * TEN.D).drop(columns="N"), {}, "N computed as C / (6D)"),
    ("D036", "W", TEN.assign(params_kind=["total", "non-embedding"] * 5), {}, "more than one way"),
    ("D037", "W", pd.concat([TEN, TEN[:2]]), {}, "2 exact duplicates of earlier runs: rows 11, 12"),
    ("D038", "I", pd.concat([TEN, TEN[:2].assign(loss=[3.49, 3.2])]), {}, "2 settings of N and D"),
    (
        "D039",
        "W",
        pd.concat([TEN, TEN.assign(D=TEN.D * 2)]).assign(run_id=[*range(10)] * 2),
        {},
        "checkpoints",
    ),
    ("D043", "W", TEN.assign(N=np.geomspace(1e9, 2e9, 10)), {}, "N spans 0.3 decades"),
    ("D044", "W", at(1, "D", 1e8), {}, "fewer tokens than parameters in row 2 (1 of 10)"),
    ("D045", "W", TEN.assign(loss=TEN.loss.to_numpy()[::-1]), {}, "rank correlation +"),
    ("D046", "W", at(4, "loss", 11.0), {}, "row 5 (1 of 10)"),
]


@pytest.mark.parametrize(("code", "severity", "frame", "options", "fragment"), TOLD)
def test_told_and_gone_on(code, severity, frame, options, fragment):
    found = read_runs(frame, **options).check()
    told = [p for p in found if p.code == code]
    assert told and told[0].severity == severity
    assert fragment in str(told[0]) and len(str(told[0])) <= 300


def test_good_runs_are_only_told_what_was_computed():
    assert [p.code for p in read_runs(TEN).check()] == ["D035"]
    assert read_runs(TEN.assign(C=6 * TEN.N * TEN.D)).check() == []


def test_delimiters_are_found_and_said(tmp_path):
    for sep in ";|\t":
        path = write(tmp_path, GOOD.replace(",", sep))
        runs = read_runs(path)
        assert [p.code for p in runs.problems] == ["D007", "D035"]
        assert read_runs(path, sep=sep).digest == runs.digest == read_runs(write(tmp_path, GOOD)).digest


def test_byte_order_marks_are_noted_and_line_ends_do_not_matter(tmp_path):
    runs = read_runs(write(tmp_path, b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode() + b"\r\n \r\n"))
    assert [p.code for p in runs.problems] == ["D005", "D035"] and len(runs) == 3


def test_many_rows_look_like_curves(monkeypatch):
    monkeypatch.setattr("scalaw.data.files.MANY_ROWS", 9)
    assert "D016" in [p.code for p in read_runs(TEN).problems]


def test_huge_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("scalaw.data.files.MAX_BYTES", 20)
    for content in (GOOD.encode(), gzip.compress(b" " * 1000)):
        assert refusals(write(tmp_path, content))[0].code == "D016"


@dataclasses.dataclass
class Thing:
    name: str
    domain: str = "positive"


class Law:
    """The little that a check knows of a law."""

    def __init__(self, *covariates, free=2):
        self.name = "test_law"
        self.covariates = [Thing(*c) if isinstance(c, tuple) else Thing(c) for c in covariates]
        self.free = [Thing(f"p{i}") for i in range(free)]


LAW = [
    ("D012", "E", TEN.rename(columns={"D": "my_tokens"}), Law("N", "D"), "needs D; found N, my_tokens, loss"),
    ("D012", "E", TEN, Law("x"), "x='C'"),
    ("D021", "E", TEN.assign(step=[np.nan] + [1.0] * 9), Law("step"), "step is missing in row 1 (1 of 10)"),
    ("D024", "E", TEN.assign(share=[1.5] + [0.5] * 9), Law(("share", "share")), "between 0 and 1"),
    ("D024", "E", TEN.assign(epochs=[0] + [2] * 9), Law(("epochs", "integer")), "1 or more"),
    ("D040", "W", TEN.assign(N=1e9), Law("N", "D"), "N is 1B in every run"),
    ("D041", "W", TEN.assign(D=20 * TEN.N), Law("N", "D"), "log N and log D have correlation 1.000"),
    ("D042", "E", TEN[:2], Law("N"), "2 runs, 2 free parameters of law test_law"),
]


@pytest.mark.parametrize(("code", "severity", "frame", "law", "fragment"), LAW)
def test_runs_that_do_not_suit_a_law(code, severity, frame, law, fragment):
    found = [p for p in read_runs(frame).check(law) if p.code == code]
    assert [p.severity for p in found] == [severity]
    assert fragment in str(found[0])


def test_only_covariates_of_the_law_are_judged():
    runs = read_runs(TEN.assign(D=20 * TEN.N))
    assert not {"D040", "D041"} & {p.code for p in runs.check(Law("N"))}
    assert not {"D040", "D041"} & {p.code for p in runs.along("C").check(Law("x"))}


def test_noise_parameters_count_and_the_prior_may_dominate_on_request():
    runs, law = read_runs(TEN), Law("N", "D", free=8)
    assert "D042" not in [p.code for p in check_runs(runs, law, 1)]
    refused = check_runs(runs, law, 2)
    assert (refused[0].code, refused[0].severity) == ("D042", "E")
    assert "8 free parameters of law test_law and 2 of the noise" in str(refused[0])
    allowed = check_runs(runs, law, 2, allow_prior_dominated=True)
    assert [p.severity for p in allowed if p.code == "D042"] == ["W"]


def test_a_real_law_is_checked_like_any_other():
    from scalaw.laws.families.chinchilla import chinchilla

    assert [p.code for p in read_runs(TEN[:5]).check(chinchilla) if p.severity == "E"] == ["D042"]
    assert [p.code for p in read_runs(TEN).check(chinchilla)] == ["D035"]


SEEDS = [
    (".csv", GOOD.encode()),
    (".csv", b"N;D;loss\n70B;1.4T;2,1\n7e9;1_000;x\n"),
    (".csv.gz", b'"a b",params,val_loss\n"1,000",1e9,2\n'),
    (".tsv", b"N\tloss\ttokens\n1e9\t2\t3 PF-days\n"),
    (".json", b'[{"N": 1e9, "loss": 2.0}, {"N": "70B", "loss": null}]'),
    (".jsonl", b'{"N": 1e9, "loss": 2.0}\n{"N": 2e9, "loss": 1.5, "d": true}\n'),
]
EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 3), st.one_of(st.binary(max_size=4), st.sampled_from(
        [b",", b";", b"\t", b'"', b"\n", b"\r", b"-", b"nan", b"inf", b"1e400", b"%", b"M", b"\xff", b"\0", b"{", b"]"]
    ))),
    max_size=6,
)  # fmt: skip


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.sampled_from(SEEDS), EDITS, st.booleans())
def test_mutated_files_end_in_runs_or_an_error(tmp_path_factory, seed, edits, lenient):
    ending, data = seed[0], bytearray(seed[1])
    for place, length, new in edits:
        start = int(place * len(data))
        data[start : start + length] = new
    options = {"missing": "drop", "dedupe": True, "require": ()} if lenient else {}
    path = write(tmp_path_factory.getbasetemp(), bytes(data), f"mutated{ending}")
    try:
        runs = read_runs(path, **options)
    except ScalawError as error:
        assert error.problems and all(p.severity == "E" for p in error.problems)
        assert all(len(str(p)) <= 400 and str(p).isprintable() for p in error.problems)
    else:
        assert isinstance(runs, Runs) and len(runs) > 0
        assert all(np.isfinite(runs.values(name)).all() for name in ("N", "D", "loss") if name in runs.frame)
        texts = [*map(str, runs.check()), *runs.describe().split("\n"), *runs.conversions, runs.digest]
        assert all(text.isprintable() for text in texts)


def test_a_response_that_is_no_loss_may_have_any_size():
    """Steps and tokens are neither perplexities nor shares, and may rise with scale."""
    of = {"L": np.geomspace(2, 4, 10), "N": np.geomspace(1e8, 1e10, 10), "loss": np.geomspace(1e7, 1e5, 10)}
    runs = Runs(pd.DataFrame(of))
    assert any(problem.code == "D032" for problem in check_runs(runs))
    told = {problem.code for problem in check_runs(runs, get_law("kaplan_b_crit"))}
    assert not {"D032", "D033", "D045", "D046"} & told
