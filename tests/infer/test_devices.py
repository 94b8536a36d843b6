"""scalaw leaves JAX as it found it, and keeps compiled programs where nobody else can write."""

import os
import stat
import subprocess
import sys
import textwrap

import jax
import numpy as np
import pytest

from scalaw.infer import devices
from scalaw.infer.devices import cache_folder, computing, host_computing, setting, trusted

posix = pytest.mark.skipif(not hasattr(os, "getuid"), reason="modes and owners are POSIX")

IMPORT_ALL = """
import importlib, pkgutil, scalaw
for found in pkgutil.walk_packages(scalaw.__path__, "scalaw."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
"""
CONFIGURE = """
import warnings
warnings.simplefilter("always")
from scalaw.infer.devices import computing
with warnings.catch_warnings(record=True) as caught:
    for _ in range(3):
        with computing():
            pass
import jax
print(jax.config.jax_compilation_cache_dir, len(caught), *(f"{w.filename}: {w.message}" for w in caught))
"""


def python(code, **environment):
    """Standard output of a fresh interpreter."""
    given = {"SCALAW_CACHE": None, "JAX_COMPILATION_CACHE_DIR": None, "JAX_ENABLE_X64": None, **environment}
    env = {k: v for k, v in (os.environ | given).items() if v is not None}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# -- imports ---------------------------------------------------------------------------------------
def test_importing_everything_changes_no_setting():
    report = "print(before == dict(jax.config.values), len(before))"
    code = f"import jax\nbefore = dict(jax.config.values)\n{IMPORT_ALL}\n{report}"
    same, settings = python(code).split()
    assert same == "True"
    assert int(settings) > 50


def test_importing_scalaw_imports_no_jax():
    assert python("import scalaw, scalaw.data, scalaw.laws, sys; print('jax' in sys.modules)") == "False"


def test_arviz_may_be_imported_first():
    code = """
        import arviz, numpy as np, scalaw as sl
        from scalaw.infer.devices import computing
        from scalaw.infer.fit import model_of
        from scalaw.infer.scenarios import arrays_of, scenario_of
        from scalaw.model.program import log_density
        runs = sl.published("cerebras_gpt")
        s = scenario_of(runs.along("C"), model_of("power_law"))
        with computing():
            print(np.isfinite(log_density(s.model.structure(), arrays_of(s, 16), np.zeros(5))))
    """
    code = code.replace("np.zeros(5)", "__import__('jax').numpy.zeros(5)")
    assert python(code, SCALAW_CACHE="0") == "True"


def test_float64_holds_inside_and_only_inside():
    before = jax.config.jax_enable_x64
    with computing():
        assert jax.numpy.asarray(np.float64(1)).dtype == np.float64
    assert jax.config.jax_enable_x64 == before


def test_precision_is_that_of_the_innermost_context():
    with computing("float32"):
        assert jax.numpy.asarray(np.float64(1)).dtype == np.float32
        with computing():
            assert setting().precision == "float32"
        with host_computing():
            assert (setting().precision, setting().platform) == ("float64", "cpu")
            assert jax.numpy.asarray(np.float64(1)).dtype == np.float64
        assert jax.numpy.asarray(np.float64(1)).dtype == np.float32
    assert setting().precision == "float64"


def test_all_local_devices_take_part_unless_one_is_pinned():
    code = """
        import jax
        from scalaw.infer.devices import computing, setting
        with computing():
            print(len(setting().devices))
        with jax.default_device(jax.devices()[1]), computing():
            print([d.id for d in setting().devices], jax.numpy.zeros(1).devices())
    """
    all_of_them, pinned = python(code, SCALAW_CACHE="0", JAX_NUM_CPU_DEVICES="2").splitlines()
    assert all_of_them == "2"
    assert pinned == "[1] {CpuDevice(id=1)}"


# -- the cache -------------------------------------------------------------------------------------
@posix
def test_a_new_folder_is_private(tmp_path):
    old = os.umask(0)
    try:
        assert trusted(tmp_path / "scalaw" / "jax-1")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "scalaw" / "jax-1").stat().st_mode) == 0o700


@posix
@pytest.mark.parametrize(("mode", "fine"), [(0o700, True), (0o755, True), (0o770, False), (0o707, False)])
def test_a_folder_that_others_can_write_is_not_trusted(tmp_path, mode, fine):
    tmp_path.chmod(mode)
    assert trusted(tmp_path) is fine


@posix
def test_a_folder_of_somebody_else_is_not_trusted(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    assert not trusted(tmp_path)


def test_the_folder_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("SCALAW_CACHE", "0")
    assert cache_folder() is None
    monkeypatch.setenv("SCALAW_CACHE", str(tmp_path))
    assert cache_folder().parent == tmp_path
    monkeypatch.delenv("SCALAW_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder().parent == tmp_path / "xdg" / "scalaw"
    here = cache_folder()
    assert cache_folder() == here
    monkeypatch.setattr(devices.platform, "machine", lambda: "another")
    assert cache_folder() != here


@posix
def test_the_first_computation_sets_the_cache_up(tmp_path):
    folder, warnings = python(CONFIGURE, SCALAW_CACHE=str(tmp_path / "cache")).split(maxsplit=1)
    assert folder.startswith(str(tmp_path / "cache" / "jax-"))
    assert warnings == "0"
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700


def test_zero_switches_the_cache_off():
    assert python(CONFIGURE, SCALAW_CACHE="0") == "None 0"


def test_a_cache_of_the_users_own_is_left_alone(tmp_path):
    own = str(tmp_path / "own")
    out = python(CONFIGURE, SCALAW_CACHE=str(tmp_path / "ours"), JAX_COMPILATION_CACHE_DIR=own)
    assert out == f"{own} 0"
    assert not (tmp_path / "ours").exists()


@posix
def test_a_folder_that_is_not_trusted_is_refused_with_one_warning(tmp_path):
    shared = python(
        "from scalaw.infer.devices import cache_folder; print(cache_folder())", SCALAW_CACHE=str(tmp_path)
    )
    os.makedirs(shared)
    os.chmod(shared, 0o777)
    folder, warnings, text = python(CONFIGURE, SCALAW_CACHE=str(tmp_path)).split(maxsplit=2)
    assert (folder, warnings) == ("None", "1")
    assert text.startswith("<string>: compilation cache off")
    assert os.listdir(shared) == []


def test_a_file_in_the_way_is_refused_with_one_warning(tmp_path):
    (tmp_path / "file").write_text("")
    folder, warnings, _ = python(CONFIGURE, SCALAW_CACHE=str(tmp_path / "file")).split(maxsplit=2)
    assert (folder, warnings) == ("None", "1")
