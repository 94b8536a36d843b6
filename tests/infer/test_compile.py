"""What compiles and what does not: a sampler costs many seconds to compile, so it is shared."""

import numpy as np
import pytest
from conftest import SHORT
from helpers import counting_compilations, scenario, simulated

import scalaw as sl
from scalaw.infer.batch import sample
from scalaw.infer.executables import bucket
from scalaw.infer.fit import model_of
from scalaw.infer.nuts import Settings

pytestmark = pytest.mark.compiles

#: All of these are data to the program that the comparison of the demo has compiled.
SHARED = {
    "the same again": ("power_law", {}),
    "another seed": ("power_law", {"seed": 7}),
    "another prior": ("power_law", {"priors": {"alpha": "LogNormal(0.1, 0.3)"}}),
    "a prior of the noise": ("power_law_offset", {"priors": {"sigma": "LogNormal(0.02, 0.5)"}}),
    "a fixed parameter": ("power_law_offset", {"fixed": {"alpha": 0.06}}),
    "a variant": ("power_law_offset[E=1.2]", {}),
    "held tails": ("power_law", {"noise": "student_t[nu=5]"}),
    "row weights": ("power_law", {"row_weight": np.repeat([1.0, 0.0, 2.0], [6, 2, 2])}),
    "a tie": ("chinchilla[alpha=beta]", {}),
}


@pytest.fixture(scope="module", autouse=True)
def warm(demo_comparison):
    """The comparison has compiled the samplers of power_law_offset and chinchilla."""
    return demo_comparison


@pytest.mark.parametrize("case", SHARED)
def test_a_fit_that_differs_in_data_compiles_nothing(demo_runs, case):
    law, options = SHARED[case]
    with counting_compilations() as compiled:
        sl.fit(demo_runs, law, x="C", **options, **SHORT)
    assert len(compiled) == 0


#: The same for the importance sampler.
WEIGHTED = [case for case in SHARED if case != "the same again"]


@pytest.mark.parametrize("case", WEIGHTED)
def test_an_importance_fit_that_differs_in_data_compiles_nothing(demo_runs, demo_weighted, case):
    law, options = SHARED[case]
    with counting_compilations() as compiled:
        fit = sl.fit(demo_runs, law, x="C", method="importance", **options)
    assert len(compiled) == 0
    assert fit.recipe["method"] == "importance"


@pytest.mark.parametrize("rows", [7, 9])
def test_another_number_of_runs_in_the_same_bucket_compiles_nothing(demo_runs, rows):
    with counting_compilations() as compiled:
        sl.fit(demo_runs.select(np.arange(rows)), "power_law", x="C", **SHORT)
    assert len(compiled) == 0


def test_another_covariate_compiles_nothing(demo_runs):
    with counting_compilations() as compiled:
        sl.fit(demo_runs, "power_law", x="N", **SHORT)
    assert len(compiled) == 0


def test_a_forecast_after_a_fit_compiles_nothing(demo_comparison, demo_weighted):
    for comparison in (demo_comparison, demo_weighted):
        with counting_compilations() as compiled:
            comparison.forecast(N=["6.7B", "13B"], D=["134B", "260B"])
            comparison.fits[0].draws("sigma")
        assert len(compiled) == 0


def tables(seeds, rows):
    """Two laws on tables of one size."""
    for i in seeds:
        runs = simulated("power_law_offset", seed=i).select(np.arange(rows) % 16)
        for law in ("power_law_offset", "power_law"):
            yield scenario(runs, law, name=f"{i} {rows} {law}")


def test_a_batch_compiles_once_per_law_method_and_bucket():
    """A second batch of other sizes, under two variants of one law in two buckets, compiles nothing."""
    settings = Settings(warmup=500, draws=500)
    with counting_compilations() as compiled:
        sample([*tables([0], 16), *tables([0], 20)], settings, method="importance")
    assert 3 <= len(compiled) <= 6  # searching, sampling, evaluating; the smaller bucket may be known
    with counting_compilations() as compiled:
        sample([*tables(range(5, 12), 20), *tables(range(3), 9)], settings, seed=4, method="importance")
        sample([*tables(range(40), 9)], settings, seed=4, method="auto")  # the demo has compiled its NUTS
    assert len(compiled) == 0


def test_something_compiles_when_it_must():
    """The counter counts: a program of another shape is compiled."""
    import jax

    with counting_compilations() as compiled:
        jax.jit(lambda x: x * 3.0 + 1.0)(np.zeros(1237))
    assert len(compiled) > 0


def test_a_variant_shares_the_structure_of_its_law():
    def structure(law, **options):
        return model_of(law, **options).structure()

    offset, chinchilla = structure("power_law_offset"), structure("chinchilla")
    assert structure("power_law") == offset
    assert structure("power_law", noise="student_t[nu=5]") == offset
    assert structure("chinchilla[alpha=beta]") == structure("chinchilla[E=0]") == structure("chinchilla[A=0]")
    assert structure("chinchilla[A=0]") == structure("chinchilla[A=400,alpha=0.3]") == chinchilla
    assert structure("chinchilla", priors={"alpha": "LogNormal(0.1, 2)"}) == chinchilla
    different = [
        offset,
        chinchilla,
        structure("chinchilla", noise="normal"),
        structure("chinchilla", priors={"alpha": "Gamma(2, 6)"}),
        structure("chinchilla[A=400]"),  # its unit moves with an exponent that is learned
        structure("bnsl"),
        structure("bnsl[breaks=2]"),
    ]
    assert len(set(different)) == len(different)


@pytest.mark.parametrize(
    ("rows", "padded"), [(1, 16), (16, 16), (17, 32), (240, 256), (256, 256), (257, 512)]
)
def test_rows_are_padded_to_powers_of_two(rows, padded):
    assert bucket(rows) == padded


# -- what one fit does to another --------------------------------------------------------------------
def test_adding_a_law_changes_no_other_law(demo_runs, demo_comparison):
    fewer = sl.compare(demo_runs, ["power_law_offset", "power_law"], x="C", **SHORT)
    before = {f.label: f for f in demo_comparison.fits}
    for fit in fewer.fits:
        for name in fit.tree["posterior"].data_vars:
            np.testing.assert_array_equal(fit.draws(name), before[fit.label].draws(name))
        assert fit.parameters == before[fit.label].parameters


def test_adding_a_scenario_changes_no_other_scenario():
    settings = Settings(warmup=500, draws=500)
    some = [scenario(simulated("power_law", seed=i), "power_law", name=f"table {i}") for i in range(4)]
    together = sample(some, settings, seed=2)
    (alone,) = sample([some[2]], settings, seed=2)
    np.testing.assert_array_equal(alone.draws.position, together[2].draws.position)
    assert not np.array_equal(together[1].draws.position, together[2].draws.position)
