"""Compiled programs on disk: found again by name, compiled anew where anything is amiss."""

import jax
import jax.monitoring
import numpy as np
import pytest
from helpers import counting_compilations, scenario, simulated
from jax.experimental.compilation_cache import compilation_cache

from scalaw.infer import kept
from scalaw.infer.devices import cache_folder, computing
from scalaw.infer.programs import Clock, Program, _function, call, executable, key_of
from scalaw.infer.resample import fitted_executable
from scalaw.infer.scenarios import arrays_of

pytestmark = pytest.mark.compiles


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty cache, of which JAX's own part is off."""
    monkeypatch.setenv("SCALAW_CACHE", str(tmp_path))
    with computing():
        settings = {"jax_compilation_cache_dir": str(cache_folder()), "jax_enable_compilation_cache": False}
        before = {name: getattr(jax.config, name) for name in settings}
        cache_folder().mkdir(exist_ok=True)
    configure(settings)
    yield cache_folder() / "programs"
    configure(before)


def configure(settings):
    for name, value in settings.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()  # which otherwise goes on as it began
    forget()


def forget():
    executable.cache_clear()
    _function.cache_clear()


def use(law="power_law", rows=16):
    """A small program of scalaw's own, and what it takes."""
    s = scenario(simulated(law), law)
    structure = s.model.structure()
    return Program(fitted_executable, (structure,)), (arrays_of(s, rows), np.zeros(structure.n_coordinates))


def run():
    program, arguments = use()
    return call(program, Clock(), *arguments)


def names(folder):
    return sorted(path.name for path in folder.glob("*"))


def test_a_later_process_loads_what_was_compiled(folder):
    first = run()
    (name,) = names(folder)
    forget()  # as a later process has forgotten
    with counting_compilations() as compiled:
        again = run()
    assert compiled == ["loaded"] and names(folder) == [name]
    jax.tree.map(np.testing.assert_array_equal, again, first)


@pytest.mark.parametrize("content", [b"", b"not a program"])
def test_what_cannot_be_read_is_compiled_anew(folder, content):
    first = run()
    (name,) = names(folder)
    sound = (folder / name).read_bytes()
    (folder / name).write_bytes(content)
    forget()
    again = run()
    jax.tree.map(np.testing.assert_array_equal, again, first)
    assert len((folder / name).read_bytes()) == pytest.approx(len(sound), rel=0.1)


def test_a_folder_that_cannot_be_written_is_done_without(folder):
    folder.write_text("in the way")
    assert np.isfinite(run()[0]).all()


def users_own(structure):
    return fitted_executable(structure)


def test_a_program_is_named_by_all_that_makes_it(folder, monkeypatch):
    with computing():
        path = kept._path(key_of(*use()))
        assert path == kept._path(key_of(*use()))
        others = [kept._path(key_of(*use(rows=32))), kept._path(key_of(*use("chinchilla")))]
        monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=true")
        others.append(kept._path(key_of(*use())))
        monkeypatch.setattr(kept, "_surroundings", lambda: "another source")
        others.append(kept._path(key_of(*use())))
    assert path.parent == folder and len({path, *others}) == 5


def test_what_is_not_scalaws_own_has_no_name(folder):
    program, arguments = use()

    def inner(structure):
        return fitted_executable(program.arguments[0])

    with computing():
        for maker in (users_own, inner):
            assert kept._path(key_of(Program(maker, program.arguments), arguments)) is None


def test_what_jax_had_in_its_own_cache_is_not_kept(folder):
    """Written once more, such a program lacks the functions that it calls."""
    program, arguments = use()

    class Lowered:
        def compile(self):
            jax.monitoring.record_event("/jax/compilation_cache/cache_hits")
            with computing():
                return jax.jit(lambda x: x).lower(1.0).compile()

    with computing():
        kept.compiled(key_of(program, arguments), Lowered())
    assert not folder.exists()


def test_the_least_recently_used_are_removed(folder, monkeypatch):
    folder.mkdir()
    old = folder / f"{'0' * 32}.bin"
    old.write_bytes(b"old")
    monkeypatch.setattr(kept, "MOST_FILES", 1)
    run()
    assert len(names(folder)) == 1 and not old.exists()
