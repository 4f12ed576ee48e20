"""Kinetics against closed forms, SciPy's integrator and the reference objects of OSIPI."""

from __future__ import annotations

import csv
import gzip
import io

import numpy as np
import pytest
from scipy import integrate

from genoxel.simulate.kinetics import arterial, exchange, fdg_plasma, parker, spoiled, tofts, trapped


def table(real_data, name: str) -> list[dict[str, str]]:
    path = real_data(f"dce-osipi/{name}.csv.gz")
    return list(csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode("utf-8-sig"))))


def numbers(text: str) -> np.ndarray:
    return np.array(text.split(), float)


def test_a_step_of_plasma_gives_the_closed_form():
    t = np.arange(0.0, 600.0, 2.0)
    for ktrans, ve in ((0.05, 0.1), (0.25, 0.4), (1.0, 0.9)):
        found = tofts(t, np.full(t.shape, 3.0), ktrans, ve)
        np.testing.assert_allclose(found, 3 * ve * (1 - np.exp(-ktrans / ve * t / 60)), rtol=1e-10, atol=1e-12)


def test_a_ramp_of_plasma_gives_the_closed_form():
    t = np.arange(0.0, 300.0, 1.5)
    k, ve = 0.3 / 60, 0.35
    rate = k / ve
    expected = ve * (t - (1 - np.exp(-rate * t)) / rate)
    np.testing.assert_allclose(tofts(t, t, 0.3, ve), expected, rtol=1e-9, atol=1e-9)


def test_exchange_solves_its_differential_equation():
    t = np.arange(0.0, 240.0, 0.25)
    found = tofts(t, parker(t, 20.0), 0.2, 0.3)

    def slope(time, state):
        return 0.2 / 60 * (parker(time, 20.0) - state / 0.3)

    solved = integrate.solve_ivp(slope, (0, 239.75), [0.0], t_eval=t, rtol=1e-9, atol=1e-11, max_step=0.5).y[0]
    assert np.abs(found - solved).max() < 2e-3 * solved.max()


def test_no_exchange_and_no_outflow_are_no_special_case():
    t = np.arange(0.0, 100.0)
    assert np.all(exchange(1.0, np.ones(100), np.array(0.0), np.array(0.1)) == 0)
    np.testing.assert_allclose(exchange(1.0, np.ones(100), np.array(0.5), np.array(0.0)), 0.5 * t, rtol=1e-6)


def test_first_pass_keeps_the_volume_theorem():
    """The area under the tissue curve over that of the input is the blood volume, whatever the transit time."""
    inflow = arterial(0.5, 600.0, 10.0)
    for volume in (0.02, 0.05):
        for transit in (2.0, 6.0):
            flow = volume / transit
            found = exchange(0.5, inflow, np.array(flow), np.array(1 / transit))
            assert found.sum() / inflow.sum() == pytest.approx(volume, rel=0.01)


def test_the_spoiled_signal_is_ernsts():
    flips = np.linspace(1, 40, 400)
    signal = np.array([spoiled(np.array(1.0), 0.005, flip) for flip in flips])
    assert flips[signal.argmax()] == pytest.approx(np.rad2deg(np.arccos(np.exp(-0.005))), abs=0.1)


@pytest.mark.parametrize("rates", [(0.1, 0.13, 0.06), (0.3, 0.2, 0.1), (0.05, 0.4, 0.0)])
def test_trapped_tracer_solves_its_two_compartments(rates):
    """Free and trapped FDG by SciPy's integrator, with the input written out from the table of Feng et al. (1993)."""
    k1, k2, k3 = rates

    def plasma(t):
        early = (851.1225 * t - 21.8798 - 20.8113) * np.exp(-4.133859 * t)
        return early + 21.8798 * np.exp(-0.01043449 * t) + 20.8113 * np.exp(-0.1190996 * t)

    def slope(t, state):
        return [k1 * plasma(t) - (k2 + k3) * state[0], k3 * state[0]]

    minutes = np.linspace(0, 60, 121)
    solved = integrate.solve_ivp(slope, (0, 60), [0.0, 0.0], t_eval=minutes, rtol=1e-10, atol=1e-12, max_step=0.1).y
    expected = solved.sum(axis=0) / plasma(60.0)
    np.testing.assert_allclose(trapped(60 * minutes, k1, k2, k3), expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(fdg_plasma(60 * minutes), plasma(minutes) / plasma(60.0), rtol=1e-9, atol=1e-12)


def test_the_population_input_is_that_of_the_reference(real_data):
    rows = table(real_data, "PopulationAIF_DCE/ParkerAIF_ref")
    t, expected = np.array([[float(row["time"]), float(row["Cb"])] for row in rows]).T
    np.testing.assert_allclose(parker(60 * t), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["dce_DRO_data_tofts", "dce_DRO_data_extended_tofts"])
def test_exchange_is_that_of_the_reference_objects(real_data, name):
    rows = [row for row in table(real_data, f"DCEmodels/{name}") if "highSNR" in row["label"]]
    assert len(rows) >= 3
    for row in rows:
        t, expected = numbers(row["t"]), numbers(row["C"])
        found = tofts(t, numbers(row["ca"]), float(row["Ktrans"]), float(row["ve"]), float(row.get("vp", 0)))
        assert np.abs(found - expected).max() < 0.003 * expected.max()


def test_first_pass_is_that_of_the_reference_objects(real_data):
    rows = [
        row
        for row in table(real_data, "DSCmodels/dsc_data")
        if "CNR200_CBV4" in row["label"] and "delay0_dispersion0" in row["label"]
    ]
    assert len(rows) > 5
    for row in rows:
        tissue, inflow, step = numbers(row["C_tis"]), numbers(row["C_aif"]), float(row["tr"])
        flow, volume = float(row["cbf"]) / 6000, float(row["cbv"]) / 100
        found = exchange(step, inflow, np.array(flow), np.array(flow / volume))
        found += flow * inflow * step / 2  # the objects were convolved by the rectangle rule, half a step more
        assert np.corrcoef(found, tissue)[0, 1] > 0.98
        assert found.sum() / tissue.sum() == pytest.approx(1, abs=0.06)
