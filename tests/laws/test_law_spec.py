"""Laws are found by name, and one grammar names every variant."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from scalaw.errors import ScalawError
from scalaw.laws import Law, families, get_law, list_laws, registry
from scalaw.laws.law import OWN


def test_importing_laws_registers_them_without_jax():
    code = "import sys, scalaw.laws as laws; print(len(laws.list_laws()), 'jax' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # other tests of this process may have registered laws of their own
    own = [law for law in registry().values() if law.function.__module__.startswith("scalaw.")]
    assert done.stdout.split() == [str(len(own)), "False"]


def test_every_promised_law_is_registered():
    promised = {"power_law", "power_law_offset", "chinchilla", "kaplan_l_nd", "bnsl", "m1", "m2", "m3", "m4"}
    awkward = {"data_mixing_ye", "data_constrained", "lr_multipower", "coverage_betabinomial", "moe_joint"}
    assert promised | awkward <= set(registry())


@pytest.mark.parametrize(
    ("spec", "canonical"),
    [
        ("chinchilla", "chinchilla"),
        (" chinchilla [ alpha = beta ] ", "chinchilla[alpha=beta]"),
        ("chinchilla:alpha=beta", "chinchilla[alpha=beta]"),
        ("chinchilla[beta=0.30,E=0]", "chinchilla[E=0,beta=0.3]"),
        ("chinchilla[beta=alpha,E=1e-1]", "chinchilla[E=0.1,beta=alpha]"),
        ("chinchilla[alpha=beta,beta=0.3]", "chinchilla[alpha=0.3,beta=0.3]"),
        ("bnsl[breaks=2]", "bnsl[breaks=2]"),
        ("bnsl[breaks=1]", "bnsl"),
        ("bnsl[a=0,breaks=3]", "bnsl[breaks=3,a=0]"),
        ("power_law[alpha=0.1]", "power_law[alpha=0.1]"),
        ("power_law_offset[E=0]", "power_law_offset[E=0]"),
        ("moe_joint[gamma=0,delta=0.1]", "moe_joint[delta=0.1,gamma=0]"),
    ],
)
def test_variants_have_one_canonical_name(spec, canonical):
    law = get_law(spec)
    assert law.name == canonical
    assert get_law(canonical) == law
    assert get_law(law) is law


@pytest.mark.parametrize(
    ("spec", "code", "fragment"),
    [
        ("chinchila", "M002", "did you mean 'chinchilla'"),
        ("", "M009", "names no law"),
        ("chinchilla[alpha", "M009", "names no law"),
        ("chinchilla[alpha=beta]x", "M009", "names no law"),
        ("chinchilla[alpha]", "M009", "no key=value"),
        ("chinchilla[alhpa=1]", "M009", "did you mean 'alpha'"),
        ("chinchilla[alpha=bta]", "M009", "did you mean 'beta'"),
        ("chinchilla[alpha=nan]", "M009", "not finite"),
        ("chinchilla[E=-1]", "M009", "negative"),
        ("chinchilla[alpha=alpha]", "M009", "tied to itself"),
        ("chinchilla[alpha=beta,beta=alpha]", "M009", "tied to itself"),
        ("chinchilla[alpha=1,alpha=2]", "M009", "set twice"),
        ("chinchilla[A=B]", "M009", "other units"),
        ("power_law[E=2]", "M009", "set twice"),
        ("bnsl[breaks=0]", "M009", "whole number"),
        ("bnsl[breaks=1.5]", "M009", "whole number"),
        ("bnsl[breaks=9999999999]", "M009", "whole number"),
        ("moe_joint[delta=0.1]", "M009", "units of the data"),
        ("moe_joint[delta=omega]", "M009", "units of the data"),
    ],
)
def test_a_bad_variant_is_refused_with_its_reason(spec, code, fragment):
    with pytest.raises(ScalawError, match=code) as refused:
        get_law(spec)
    assert refused.value.code == code
    assert fragment in str(refused.value)


def test_an_alias_shares_its_structure_but_not_its_priors():
    power, offset = get_law("power_law"), get_law("power_law_offset")
    assert power.structure == offset.structure
    assert power.digest != offset.digest
    alpha = next(p for p in power.parameters if p.name == "alpha")
    assert power.prior(alpha).numbers == (0.08, 0.7)
    assert offset.prior(alpha).numbers == (0.3, 0.5)
    assert power.doc != offset.doc


def test_a_variant_that_fixes_or_ties_shares_its_structure():
    plain = get_law("chinchilla")
    assert get_law("chinchilla[alpha=beta,E=0]").structure == plain.structure
    assert get_law("bnsl[breaks=2]").structure != get_law("bnsl").structure
    assert [p.name for p in get_law("chinchilla[alpha=beta,E=0]").free] == ["A", "B", "beta"]


@settings(deadline=None, derandomize=True)
@given(
    st.text(max_size=60) | st.from_regex(r"(chinchilla|bnsl)[:\[][a-zA-Z=,.0-9 ]{0,30}\]?", fullmatch=True)
)
def test_any_text_is_a_law_or_a_refusal(text):
    try:
        law = get_law(text)
    except ScalawError as refused:
        assert refused.code in ("M002", "M009")
    else:
        assert isinstance(law, Law)
        assert get_law(law.name) == law


def test_a_law_in_a_file_of_its_own_is_found_without_being_named_anywhere():
    """Every file of the folder registers laws, under the title that it gives itself, and none is listed elsewhere."""
    folder = Path(families.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    laws = [law for law in list_laws() if law.function.__module__.startswith(families.__name__)]
    assert {law.function.__module__.rpartition(".")[2] for law in laws} >= files - {
        "regimes",
        "double_descent",
    }
    assert all(law.family != OWN for law in laws)
    named = (folder.parent / "__init__.py").read_text()
    assert not [stem for stem in files if f"families.{stem}" in named]
