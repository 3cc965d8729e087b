"""EM over unlabelled rows, of densities that go on and of those that start anew."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

from sklearn_gen.base import GenerativeModel
from sklearn_gen.classifier import GenerativeClassifier
from sklearn_gen.compose import make_generative_pipeline
from sklearn_gen.mixture import GaussianMixture, TableMixture
from sklearn_gen.resampler import GenerativeResampler
from tests.reference_models import ReferenceGaussian


def passengers(n=600, seed=0):
    """Columns of all kinds that follow two classes; one label in five is known."""
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n)
    sex = np.where(rng.random(n) < 0.75, y, 1 - y)
    age = np.round(rng.gamma(4, 8, n) - 3 * y).clip(0, 80)
    age[rng.random(n) < 0.2] = np.nan
    X = pd.DataFrame(
        {
            "sex": np.array(["male", "female"])[sex],
            "age": age,
            "fare": np.round(rng.lognormal(2.5 + y, 0.8, n), 2),
            "port": rng.choice(["S", "C", "Q", "rare"], n, p=[0.7, 0.2, 0.09, 0.01]),
        }
    )
    return X, y, np.where(rng.random(n) < 0.2, y, -1)


def test_tables_converge_from_any_seed():
    X, y, marked = passengers()
    model = GenerativeClassifier(TableMixture(2), unlabeled=-1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model.fit(X, marked)
    assert model.converged_
    # Pseudo-rows (smoothing) count beside the likelihood, so that it may fall a little.
    assert (np.diff(model.lower_bounds_[1:]) > -0.005).all()
    assert not any(density.warm_start for density in model.estimators_)
    assert model.score(X, y) > 0.7


def test_levels_keep_their_codes_where_fits_go_on():
    X, _, _ = passengers()
    model = TableMixture(2, smoothing=0.1, random_state=0).fit(X)
    before = model.score_samples(X)
    # Without "C" the codes of later levels would be others.
    model.set_params(warm_start=True).fit(X[X["port"] != "C"])
    here = (X["port"] == "S").to_numpy()
    assert np.mean(model.score_samples(X)[here] - before[here]) > 0.0
    assert "C" in model.schema_.categories[3]


class Restless(GenerativeModel):
    """A Gaussian that is put anywhere near: its fits differ, and can't go on."""

    _base_measure = "lebesgue"

    def __init__(self, shifts, random_state=None):
        self.shifts = shifts
        self.random_state = random_state

    def _fit(self, X, sample_weight, rng):
        self.inner_ = ReferenceGaussian().fit(X, sample_weight=sample_weight)
        self.shift_ = self.shifts.normal()

    def _score_samples(self, X):
        return self.inner_.score_samples(X - self.shift_)

    def _sample(self, n_samples, rng):
        return self.inner_.sample(n_samples, random_state=rng) + self.shift_


class Shifts:
    """Shared by clones, so that each fit has another."""

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def __deepcopy__(self, memo):
        return self

    def normal(self):
        return 0.5 * self.rng.normal()


def test_refits_that_differ_stop_and_the_best_is_kept():
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=300)
    X = rng.normal(size=(300, 2)) + 3 * y[:, None]
    marked = np.where(rng.random(300) < 0.3, y, -1)
    model = GenerativeClassifier(Restless(Shifts()), unlabeled=-1, tol=1e-6)
    with pytest.warns(ConvergenceWarning, match="highest bound are kept"):
        model.fit(X, marked)
    assert not model.converged_
    joint = model.predict_joint_log_proba(X)
    known = marked >= 0
    bound = joint[known, marked[known]].sum()
    bound += np.logaddexp.reduce(joint[~known], axis=1).sum()
    assert bound / 300 == pytest.approx(max(model.lower_bounds_[1:]))


def test_refits_of_pipelines_share_a_seed():
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=400)
    X = rng.normal(size=(400, 2)) + 2 * y[:, None]
    marked = np.where(rng.random(400) < 0.2, y, -1)
    density = make_generative_pipeline(
        StandardScaler(), GaussianMixture(2, reg_covar=0.1)
    )
    model = GenerativeClassifier(density, unlabeled=-1, random_state=0)
    twin = GenerativeClassifier(density, unlabeled=-1, random_state=0)
    seeds = {
        density[-1].random_state
        for fitted in (model.fit(X, marked), twin.fit(X, marked))
        for density in fitted.estimators_
    }
    assert len(seeds) == 1
    assert None not in seeds


def test_what_did_not_converge_says_how_far_it_was():
    X, _, marked = passengers(200)
    model = GenerativeClassifier(TableMixture(2), unlabeled=-1, max_iter=3, tol=0.0)
    with pytest.warns(ConvergenceWarning, match="its last changes were"):
        model.fit(X, marked)
    assert model.n_iter_ == 3


@pytest.mark.parametrize("dtype", [float, object])
def test_a_label_that_is_nan_is_named_without_warnings(dtype):
    X = np.arange(10.0).reshape(5, 2)
    y = np.array([0, 1, np.nan, 1, 0], dtype=dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=r"Input y contains NaN \(row 2\)"):
            GenerativeClassifier(GaussianMixture()).fit(X, y)
        with pytest.raises(ValueError, match="y contains NaN"):
            GenerativeResampler(GaussianMixture()).fit_resample(X, y)
