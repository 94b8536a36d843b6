"""Chunks of one shape: the same results for any number of lanes, devices and processes, and nothing lost."""

import os
import signal
import socket
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import counting_compilations

from scalaw.infer import executables, lanes
from scalaw.infer.devices import Setting, computing, host_computing, setting
from scalaw.infer.executables import dynamic_map, key_data, take
from scalaw.infer.hosts import block_of
from scalaw.infer.lanes import bytes_of_row, chunk_arguments, places_for, run_batch
from scalaw.infer.programs import Clock, Program, compile_all

PLACES = 8


def walker():
    """A toy sampler: a random walk as long as its scenario says, and what it began with."""

    def run(scale, batch, count):
        def one(i):
            start, steps, key = take(batch, i)

            def step(k, x):
                return jnp.tanh(x + scale * jax.random.normal(jax.random.fold_in(key, k), x.shape))

            return {"end": jax.lax.fori_loop(0, steps, step, start), "start": start}

        return dynamic_map(one, count, PLACES)

    return jax.jit(run)


def scenarios(n):
    """Starts, lengths and keys folded from names."""
    rng = np.random.default_rng(n)
    keys = np.array([key_data(0, "walk", i) for i in range(n)], np.uint32).reshape(n, 2)
    return np.arange(3.0 * n).reshape(n, 3), rng.integers(1, 40, n), keys


def walk(n, **options):
    return run_batch(
        Program(walker, ()), scenarios(n), places=PLACES, clock=Clock(), shared=(0.5,), **options
    )


# A module of its own is what the processes below import.
ELSEWHERE = """
import sys
import jax, numpy as np
from scalaw.infer.hosts import join
{before}
import test_lanes
assert jax.process_count() == {processes} and len(jax.local_devices()) == {devices}
assert test_lanes.walk(1)["end"].shape == (1, 3)
out = test_lanes.walk(21)
own = test_lanes.walk(21, gather=False)
np.savez({to!r}, **out, own=own["end"])
"""


def start_elsewhere(to, processes=1, devices=1, before=""):
    """A fresh interpreter that walks 21 scenarios and saves them."""
    code = ELSEWHERE.format(before=before, processes=processes, devices=devices, to=str(to))
    env = os.environ | {"JAX_NUM_CPU_DEVICES": str(devices), "JAX_PLATFORMS": "cpu", "SCALAW_CACHE": "0"}
    env["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parent.parent)])
    return subprocess.Popen([sys.executable, "-c", code], env=env, stderr=subprocess.PIPE, text=True)


def finish(*started):
    try:
        for process in started:
            _, errors = process.communicate(timeout=120)
            assert process.returncode == 0, errors
    finally:
        for process in started:
            process.kill()


# -- what comes back ---------------------------------------------------------------------------------
@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 37])
def test_rows_come_back_in_their_order_and_without_padding(n):
    out = walk(n)
    np.testing.assert_array_equal(out["start"], scenarios(n)[0])
    assert out["end"].shape == (n, 3)
    assert np.all(np.isfinite(out["end"]))


def test_a_row_is_the_same_alone_and_in_company():
    together = walk(37)["end"]
    for i in (0, 8, 36):
        batch = jax.tree.map(lambda leaf, i=i: leaf[i : i + 1], scenarios(37))
        alone = run_batch(Program(walker, ()), batch, places=PLACES, clock=Clock(), shared=(0.5,))
        np.testing.assert_array_equal(alone["end"][0], together[i])


@pytest.mark.parametrize("n_lanes", [1, 2, 5])
def test_the_number_of_lanes_changes_no_bit(monkeypatch, n_lanes):
    before = walk(37)
    monkeypatch.setattr(lanes, "cores", lambda: n_lanes)
    jax.tree.map(np.testing.assert_array_equal, walk(37), before)


def test_an_empty_batch_gives_empty_results():
    assert walk(0)["end"].shape == (0, 3)


def test_arrays_of_different_lengths_are_no_batch():
    with pytest.raises(ValueError, match="one length"):
        run_batch(Program(walker, ()), (np.ones(3), np.ones(2)), places=PLACES, clock=Clock())


# -- the loop of dynamic length ------------------------------------------------------------------------
def counted(count):
    """Outputs and how often the function ran."""
    calls = []

    def one(i):
        jax.debug.callback(lambda k: calls.append(int(k)), i)
        return i + 1

    with computing():
        out = jax.jit(lambda c: dynamic_map(one, c, PLACES))(np.int64(count))
        jax.effects_barrier()
    return np.asarray(out), sorted(calls)


@pytest.mark.parametrize("count", [0, 1, 5, 8])
def test_only_the_places_that_count_are_visited(count):
    out, calls = counted(count=count)
    assert calls == list(range(count))
    np.testing.assert_array_equal(out, np.where(np.arange(PLACES) < count, np.arange(PLACES) + 1, 0))


def test_an_accelerator_maps_all_places(monkeypatch):
    accelerator = type("Accelerator", (), {"platform": "gpu"})()
    monkeypatch.setattr(executables, "setting", lambda: accelerator)
    out, calls = counted(count=3)
    assert calls == list(range(PLACES))
    np.testing.assert_array_equal(out, np.arange(PLACES) + 1)


# -- programs ------------------------------------------------------------------------------------------
def fresh(tag):
    """A program that no other test has compiled."""

    def maker(_):
        return jax.jit(lambda batch, count: dynamic_map(lambda i: jnp.sin(batch[i]), count, PLACES))

    return Program(maker, (tag,))


def test_a_batch_of_any_size_compiles_once():
    program = fresh("once")
    with counting_compilations() as compiled:
        for n in (1, 5, 8, 30):
            run_batch(program, np.arange(float(n)), places=PLACES, clock=Clock())
    assert len(compiled) == 1


def test_what_was_compiled_beforehand_is_not_compiled_again():
    program, batch = fresh("ahead"), np.arange(20.0)
    clock = Clock()
    compile_all([(program, chunk_arguments(batch, PLACES))], clock)
    assert clock.compile > 0
    with counting_compilations() as compiled:
        run_batch(program, batch, places=PLACES, clock=clock)
    assert len(compiled) == 0
    assert clock.run > 0


def test_precision_is_part_of_a_program():
    program, batch = fresh("precision"), np.linspace(0.0, 1.0, 20)
    wide = run_batch(program, batch, places=PLACES, clock=Clock())
    with counting_compilations() as compiled, computing("float32"):
        narrow = run_batch(program, batch, places=PLACES, clock=Clock())
        with host_computing():
            np.testing.assert_array_equal(run_batch(program, batch, places=PLACES, clock=Clock()), wide)
    assert (wide.dtype, narrow.dtype) == (np.float64, np.float32)
    np.testing.assert_allclose(narrow, wide, rtol=1e-6)
    assert len(compiled) == 1


# -- lanes ---------------------------------------------------------------------------------------------
def meeting(barrier):
    """Each row waits for as many rows of other lanes as the barrier says."""

    def meet(x):
        barrier.wait(30)
        return np.asarray(x + threading.get_ident())

    def run(batch, count):
        shape = jax.ShapeDtypeStruct((), np.int64)
        return dynamic_map(lambda i: jax.pure_callback(meet, shape, batch[i]), count, PLACES)

    return jax.jit(run)


def test_chunks_run_at_the_same_time(monkeypatch):
    monkeypatch.setattr(lanes, "cores", lambda: 3)
    program = Program(meeting, (threading.Barrier(3),))
    threads = run_batch(program, np.zeros(6, int), places=PLACES, clock=Clock())
    assert len(set(threads)) == 3
    assert threading.get_ident() not in threads


def test_a_lane_computes_in_the_setting_of_its_caller():
    seen = []

    def maker():
        def look(x):
            seen.append((setting().precision, jax.config.jax_enable_x64))
            return np.asarray(x)

        def run(batch, count):
            shape = jax.ShapeDtypeStruct((), np.float32)
            return dynamic_map(lambda i: jax.pure_callback(look, shape, batch[i]), count, PLACES)

        return jax.jit(run)

    with computing("float32"):
        run_batch(Program(maker, ()), np.ones(3), places=PLACES, clock=Clock())
        assert setting().precision == "float32"
    assert setting().precision == "float64"
    assert set(seen) == {("float32", False)}


# -- progress and interrupts ---------------------------------------------------------------------------
def test_progress_is_told_per_chunk():
    told, kept = [], {}
    out = walk(37, progress=lambda *a: told.append(a), words="walking", keep=kept.__setitem__)
    assert [done for done, _, _ in told] == sorted({done for done, _, _ in told})
    assert told[-1] == (37, 37, "walking")
    assert len(kept) == len(told) > 1
    joined = np.concatenate([kept[first]["end"] for first in sorted(kept)])
    np.testing.assert_array_equal(joined, out["end"])


def failing(interrupt):
    """Row 20 ends the batch in its own way."""

    def end(x):
        if x == 20:
            interrupt()
        return np.asarray(x)

    def run(batch, count):
        shape = jax.ShapeDtypeStruct((), np.int64)
        return dynamic_map(lambda i: jax.pure_callback(end, shape, batch[i]), count, PLACES)

    return jax.jit(run)


def test_an_interrupt_keeps_what_is_done_and_starts_nothing_new():
    kept = {}
    program = Program(failing, (partial(os.kill, os.getpid(), signal.SIGINT),))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            run_batch(program, np.arange(400), places=PLACES, clock=Clock(), keep=kept.__setitem__)
    finally:
        signal.signal(signal.SIGINT, before)
    rows = [first + k for first, values in kept.items() for k in range(len(values))]
    assert {0, 20} <= set(rows)
    assert len(rows) < 400
    for first, values in kept.items():
        np.testing.assert_array_equal(values, first + np.arange(len(values)))
    assert not [t for t in threading.enumerate() if t.name.startswith("scalaw-lane")]


def test_an_error_in_one_chunk_keeps_the_others(monkeypatch):
    def no_memory(batch, rows, places, repeat, pad=lanes._padded):
        if rows.start == 15:
            raise MemoryError("no room")
        return pad(batch, rows, places, repeat)

    monkeypatch.setattr(lanes, "_padded", no_memory)
    kept = {}
    with pytest.raises(MemoryError, match="no room"):
        walk(37, keep=kept.__setitem__)
    assert 0 in kept
    assert 15 not in kept


# -- several devices and processes ---------------------------------------------------------------------
def test_two_devices_give_the_draws_of_one(tmp_path):
    finish(start_elsewhere(tmp_path / "two.npz", devices=2))
    here, there = walk(21), np.load(tmp_path / "two.npz")
    np.testing.assert_array_equal(there["end"], here["end"])


def test_two_processes_give_the_draws_of_one(tmp_path):
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    paths = [tmp_path / f"{k}.npz" for k in range(2)]
    finish(
        *(
            start_elsewhere(path, 2, before=f"join('127.0.0.1:{port}', 2, {k})")
            for k, path in enumerate(paths)
        )
    )
    here = walk(21)
    for k, path in enumerate(paths):
        there, rows = np.load(path), block_of(21, 1, k, 2)
        np.testing.assert_array_equal(there["end"], here["end"])
        np.testing.assert_array_equal(there["start"], here["start"])
        np.testing.assert_array_equal(there["own"], here["end"][rows.start : rows.stop])


@pytest.mark.parametrize(
    ("n", "together", "processes"), [(21, 1, 2), (21, 8, 2), (3, 8, 4), (0, 1, 3), (96, 8, 5)]
)
def test_blocks_cover_all_rows_evenly(n, together, processes):
    blocks = [block_of(n, together, k, processes) for k in range(processes)]
    assert [row for block in blocks for row in block] == list(range(n))
    assert all(block.start % together == 0 for block in blocks if block)
    assert max(map(len, blocks)) - min(len(b) + (-len(b)) % together for b in blocks) <= together


# -- memory --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("row_bytes", "places"), [(1, 128), (2**20, 128), (2**24, 8), (2**27, 1), (2**40, 1)]
)
def test_places_follow_memory(row_bytes, places):
    assert places_for(row_bytes, limit=2**27) == places


def test_a_chunk_on_a_processor_stays_near_its_caches():
    assert places_for(10_000) == 128
    assert places_for(2**20) == 8


def test_an_accelerator_gets_no_more_places_than_rows(monkeypatch):
    gpu = type("Device", (), {"platform": "gpu", "memory_stats": lambda self: {"bytes_limit": 2**37}})
    monkeypatch.setattr(lanes, "setting", lambda: Setting((gpu(), gpu())))
    assert places_for(2**10, rows=10_000) == 8192
    assert places_for(2**10, rows=900) == 512
    assert places_for(2**30) == 8


def test_bytes_of_a_row():
    assert (
        bytes_of_row((np.zeros((7, 3)), jax.ShapeDtypeStruct((7, 2, 2), np.float32), np.zeros(7, bool))) == 41
    )
