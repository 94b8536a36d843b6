"""Every registered law passes every check, and a broken law is refused with its reason."""

import math
from dataclasses import replace

import numpy as np
import pytest

from scalaw.errors import ScalawError
from scalaw.laws import (
    Prior,
    Response,
    amplitude,
    check_law,
    exponent,
    get_law,
    irreducible,
    law,
    law_checks,
    list_laws,
    parameter,
)
from scalaw.laws.law import _REGISTRY
from scalaw.lazy import jnp

VARIANTS = ("bnsl[breaks=3]", "data_mixing_ye[domains=4]", "chinchilla[E=0,alpha=beta]")


@pytest.fixture(autouse=True)
def own_registry():
    before = dict(_REGISTRY)
    yield
    _REGISTRY.clear()
    _REGISTRY.update(before)


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(check, id=f"{entry.name}-{name}")
        for entry in [*list_laws(), *map(get_law, VARIANTS)]
        for name, check in law_checks(entry)
    ],
)
def test_every_law_passes_every_check(check):
    check()


def test_check_law_names_what_it_passed():
    passed = check_law(get_law("power_law"))
    assert passed == tuple(name for name, _ in law_checks(get_law("power_law")))
    assert len(passed) == 12


def uses_numpy(x, *, E=irreducible(), k=amplitude("loss * x**a"), a=exponent()):
    return E + k * np.exp(-a * np.log(x))


def branches(x, *, E=irreducible(), k=amplitude("loss * x**a"), a=exponent()):
    return E + k * x**-a if x > 0 else E


def has_wrong_dimension(x, *, E=irreducible(), k=amplitude("loss * x"), a=exponent()):
    return E + k * x**-a


def has_no_dimension(x, *, k=parameter("size", Prior("LogNormal", (1.0, 0.5))), a=exponent()):
    return k * x**-a


def rises(x, *, E=irreducible(), k=amplitude("loss / x**a"), a=exponent()):
    return E + k * x**a


def is_nan(x, *, E=irreducible(), k=amplitude("loss * x**a"), a=exponent()):
    return E + k * x**-a + jnp.log(-x)


def has_nan_gradient(x, *, E=irreducible(), k=amplitude("loss * x**a"), a=exponent()):
    return E + k * x**-a + jnp.where(k > 0, 0.0, jnp.sqrt(k - k))


def rounds(x, *, k=amplitude("loss * x**a"), a=exponent()):
    return k * x ** -jnp.round(a, 2)


def sums_over_runs(x, *, E=irreducible(), k=amplitude("loss * x**a"), a=exponent()):
    return E + jnp.sum(k * x**-a)


def is_wild(x, *, k=amplitude("loss * x**a", Prior("LogNormal", (1.0, 5.0))), a=exponent()):
    return k * x**-a


def loses_digits(x, *, E=irreducible(), k=amplitude("loss * x**a"), a=exponent()):
    return E + (1e4 * k * x**-a + E) - E - (1e4 - 1) * k * x**-a


def is_negative(x, *, E=irreducible(), k=amplitude("loss * x**a"), a=exponent()):
    return k * x**-a - 9 * E


BROKEN = [
    (uses_numpy, "M003", "traceable", "np.log"),
    (branches, "M003", "traceable", "if x > 0"),
    (sums_over_runs, "M003", "broadcasting", "expected (3, 4)"),
    (is_nan, "M003", "finite", "not finite"),
    (has_nan_gradient, "M003", "gradient", "not finite"),
    (has_wrong_dimension, "M011", "dimensions", "change of units"),
    (has_no_dimension, "M011", "units", "units='as in paper'"),
    (rises, "M011", "monotone", "does not fall with x"),
    (rounds, "M011", "gradient", "nothing depends on a"),
    (is_wild, "M011", "prior", "should be near 1"),
    (loses_digits, "M011", "float32", "single precision"),
    (is_negative, "M011", "finite", "not positive"),
]


@pytest.mark.parametrize(
    ("function", "code", "check", "fragment"), BROKEN, ids=lambda v: getattr(v, "__name__", "")
)
def test_a_broken_law_is_refused_with_its_reason(function, code, check, fragment):
    broken = law(source="made up for a test", decreasing=("x",))(function)
    with pytest.raises(ScalawError) as refused:
        check_law(broken)
    assert refused.value.code == code
    assert f"check {check}" in str(refused.value)
    assert fragment in str(refused.value)


def test_a_law_without_source_is_refused():
    with pytest.raises(ScalawError, match="M011 law power_law, check source"):
        check_law(replace(get_law("power_law"), source=""))


def test_a_share_must_be_a_share():
    error = Response("error", "absolute", "share")
    with pytest.raises(ScalawError, match="outside 0 to 1"):
        check_law(replace(get_law("power_law"), response=error))


def test_monotone_must_name_a_covariate():
    with pytest.raises(ScalawError, match="no covariate 'N'"):
        check_law(replace(get_law("power_law"), decreasing=("N",)))


def test_a_law_says_as_in_paper_where_it_depends_on_units():
    @law(source="made up for a test", units="as in paper", decreasing=("x",))
    def logarithm(
        x, *, a=parameter("level", Prior("LogNormal", (9.0, 0.1))), b=exponent(Prior("Beta", (2.0, 9.0)))
    ):
        return a - b * jnp.log(x)

    assert "dimensions" in check_law(logarithm)


def test_a_name_from_another_module_is_refused_and_from_the_same_one_replaced():
    law(source="one")(is_nan)
    assert law(source="two")(is_nan).source == "two"

    def chinchilla(x, *, k=amplitude("loss")):
        return k * x

    with pytest.raises(ScalawError, match="M007"):
        law(source="made up for a test")(chinchilla)


def test_the_digest_follows_source_and_variant():
    one, other = law(source="a")(rises), law(source="a")(is_nan)
    assert one.digest != other.digest
    assert replace(one, fixed=(("E", 0.0),)).digest != one.digest
    assert replace(one, source="b").digest == one.digest


def test_a_law_without_kept_source_has_a_digest():
    digests = []
    for power in ("2", "3"):
        space = {}
        exec(f"def cubic(x, *, k): return k / x**{power}", space)
        digests.append(replace(get_law("power_law"), function=space["cubic"]).digest)
    assert math.prod(len(d) for d in digests) == 256
    assert digests[0] != digests[1]
