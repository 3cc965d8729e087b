"""GaussianHMM against enumerated paths, and what all Markov models take and refuse."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chisquare, multivariate_normal
from sklearn import config_context
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.utils import Bunch

from sklearn_gen.hmm import GaussianHMM, groups_from_lengths
from tests.hmm.enumeration import all_paths

TYPES = ("full", "tied", "diag", "spherical")
# Sums over paths are taken in another order than ours.
ROUNDING = 1e-11


@pytest.fixture(scope="module")
def walk():
    """Three sequences of two columns that stay near one of three places for a while."""
    rng = np.random.default_rng(0)
    places = np.array([[0.0, 0.0], [4.0, 1.0], [-3.0, 5.0]])
    states = np.repeat(rng.integers(3, size=30), rng.integers(3, 9, size=30))
    X = places[states] + rng.normal(size=(len(states), 2))
    lengths = [len(X) // 2, len(X) // 3]
    groups = groups_from_lengths([*lengths, len(X) - sum(lengths)])
    return Bunch(X=X, groups=groups, states=states)


def log_densities(model, X):
    """Log density of observed cells under each state, from the definition."""
    K, D = model.means_.shape
    covariances = {
        "full": lambda: model.covars_,
        "tied": lambda: np.repeat(model.covars_[None], K, axis=0),
        "diag": lambda: np.stack([np.diag(v) for v in model.covars_]),
        "spherical": lambda: np.stack([v * np.eye(D) for v in model.covars_]),
    }[model.covariance_type]()
    found = np.zeros((len(X), K))
    for t, row in enumerate(X):
        seen = ~np.isnan(row)
        for k in range(K if seen.any() else 0):
            part = covariances[k][np.ix_(seen, seen)]
            normal = multivariate_normal(model.means_[k, seen], part)
            found[t, k] = normal.logpdf(row[seen])
    return found


@pytest.mark.parametrize("covariance_type", TYPES)
def test_all_paths(walk, covariance_type):
    model = GaussianHMM(3, covariance_type=covariance_type, random_state=0)
    model.fit(walk.X, groups=walk.groups)
    X = walk.X[:12].copy()
    X[2, 0] = X[5] = X[8, 1] = np.nan
    groups = np.repeat(["first", "second"], 6)
    scores = model.score_samples(X, groups=groups)
    smoothed = model.predict_proba(X, groups=groups)
    filtered = model.predict_proba(X, groups=groups, method="filter")
    ahead = model.predict_proba(X, groups=groups, method="predict")
    best, paths = model.decode(X, groups=groups, k=3)
    for i, rows in enumerate((slice(0, 6), slice(6, 12))):
        log_prob = log_densities(model, X[rows])
        oracle = all_paths(log_prob, model.startprob_, model.transmat_)
        assert scores[rows].sum() == pytest.approx(oracle.log_prob, rel=ROUNDING)
        np.testing.assert_allclose(smoothed[rows], oracle.gamma, atol=ROUNDING)
        np.testing.assert_allclose(best[i], oracle.log_joint[:3], rtol=ROUNDING)
        np.testing.assert_array_equal(paths[:, rows], oracle.paths[:3])
        for t in range(1, 7):
            start = rows.start
            upto = all_paths(log_prob[:t], model.startprob_, model.transmat_)
            total = scores[start : start + t].sum()
            assert total == pytest.approx(upto.log_prob, rel=ROUNDING)
            here = filtered[start + t - 1]
            np.testing.assert_allclose(here, upto.gamma[-1], atol=ROUNDING)
            if t < 6:
                expected = upto.gamma[-1] @ model.transmat_
                np.testing.assert_allclose(ahead[start + t], expected, atol=ROUNDING)
    np.testing.assert_allclose(ahead[[0, 6]], model.startprob_[None].repeat(2, 0))
    np.testing.assert_array_equal(model.decode(X, groups=groups)[1], paths[0])
    assert scores[5] == pytest.approx(0.0, abs=ROUNDING)  # a row nobody saw
    totals = model.score_sequences(X, groups=groups)
    np.testing.assert_allclose(totals, [scores[:6].sum(), scores[6:].sum()])


@pytest.mark.parametrize("covariance_type", TYPES)
def test_likelihood_never_falls(walk, covariance_type):
    model = GaussianHMM(
        *(3,), covariance_type=covariance_type, reg_covar=0.0, tol=0.0, max_iter=15
    )
    X = walk.X.copy()
    X[::7, 0] = X[::11, 1] = np.nan
    with pytest.warns(UserWarning, match="did not converge"):
        model.set_params(random_state=0).fit(X, groups=walk.groups)
    assert np.diff(model.lower_bounds_).min() > -1e-9


@pytest.mark.filterwarnings("ignore:More than 20%")
def test_weight_is_repeats(walk):
    """A weight of two is the sequence twice; of zero, none."""
    twice = np.concatenate([walk.X, walk.X[walk.groups == 1]])
    ids = np.concatenate([walk.groups, np.full((walk.groups == 1).sum(), 3)])
    init = {"topology": "linear", "random_state": 0}  # starts don't depend on rows
    weighed = GaussianHMM(3, **init).fit(
        walk.X, groups=walk.groups, sequence_weight=[1, 2, 0]
    )
    kept = ids != 2
    repeated = GaussianHMM(3, **init).fit(twice[kept], groups=ids[kept])
    np.testing.assert_allclose(weighed.means_, repeated.means_, rtol=1e-8)
    np.testing.assert_allclose(weighed.transmat_, repeated.transmat_, atol=1e-8)
    assert weighed.lower_bound_ == pytest.approx(repeated.lower_bound_, rel=1e-9)
    X, groups = walk.X.copy(), walk.groups
    X[-1] = 1e200  # the last sequence is impossible: weight 0 forgets it in scores
    weights = {"groups": groups, "sequence_weight": [1, 2, 0]}
    assert weighed.score(X, **weights) == weighed.score(walk.X, **weights)
    assert weighed.score(X, groups=groups) == -np.inf


def test_threads_give_the_same_bytes(walk):
    fits = [
        GaussianHMM(3, random_state=0, n_jobs=n).fit(walk.X, groups=walk.groups)
        for n in (1, 2, 8)
    ]
    assert len({model.means_.tobytes() for model in fits}) == 1
    assert len({model.score_samples(walk.X).tobytes() for model in fits}) == 1


def test_known_states(walk):
    """All known: relative frequencies and moments. Some known: they stay."""
    model = GaussianHMM(3, reg_covar=0.0, random_state=0)
    model.fit(walk.X, groups=walk.groups, states=walk.states)
    means = [walk.X[walk.states == k].mean(axis=0) for k in range(3)]
    np.testing.assert_allclose(model.means_, means, rtol=1e-9)
    within = walk.groups[1:] == walk.groups[:-1]
    counts = np.zeros((3, 3))
    pairs = walk.states[:-1][within], walk.states[1:][within]
    np.add.at(counts, pairs, 1.0)
    shares = counts / counts.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.transmat_, shares, atol=1e-9)
    some = np.where(np.arange(len(walk.X)) % 5 == 0, walk.states, -1)
    model.fit(walk.X, groups=walk.groups, states=some)
    agreement = (model.predict(walk.X, groups=walk.groups) == walk.states).mean()
    assert agreement > 0.95


@pytest.mark.parametrize(
    ("topology", "allowed"),
    [
        ("left-right", [[1, 1, 1], [0, 1, 1], [0, 0, 1]]),
        ("linear", [[1, 1, 0], [0, 1, 1], [0, 0, 1]]),
        ("cyclic", [[1, 1, 0], [0, 1, 1], [1, 0, 1]]),
        ([[1, 0, 1], [1, 1, 0], [0, 1, 1]],) * 2,
    ],
)
def test_topology(walk, topology, allowed):
    model = GaussianHMM(3, topology=topology, random_state=0)
    model.fit(walk.X, groups=walk.groups)
    assert not model.transmat_[~np.array(allowed, dtype=bool)].any()
    np.testing.assert_allclose(model.transmat_.sum(axis=1), 1.0)
    drawn = model.sample(300, random_state=0, return_states=True)[1]
    assert np.array(allowed)[drawn[:-1], drawn[1:]].all()


def test_priors(walk):
    """A sticky prior raises the diagonal; a Dirichlet prior adds its counts."""
    plain = GaussianHMM(3, random_state=0).fit(walk.X, groups=walk.groups)
    sticky = GaussianHMM(3, sticky=500.0, random_state=0)
    sticky.fit(walk.X, groups=walk.groups)
    assert (np.diag(sticky.transmat_) > np.diag(plain.transmat_)).all()
    prior = {"transmat_prior": 4.0, "startprob_prior": 11.0, "sticky": 5.0}
    known = GaussianHMM(3, **prior, random_state=0)
    known.fit(walk.X, groups=walk.groups, states=walk.states)
    within = walk.groups[1:] == walk.groups[:-1]
    counts = 3.0 + 5.0 * np.eye(3)
    np.add.at(counts, (walk.states[:-1][within], walk.states[1:][within]), 1.0)
    shares = counts / counts.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(known.transmat_, shares, rtol=1e-9)
    first = np.bincount(walk.states[np.flatnonzero(np.r_[True, ~within])], minlength=3)
    np.testing.assert_allclose(known.startprob_, (first + 10.0) / 33.0, rtol=1e-9)


def test_draws_match_scores(walk):
    """Draws have the states' shares and moments; false alarms one in a thousand."""
    model = GaussianHMM(3, random_state=0).fit(walk.X, groups=walk.groups)
    n = 20_000
    X, states = model.sample(
        2 * n, groups=np.repeat(np.arange(n), 2), return_states=True, random_state=1
    )
    first, second = states[::2], states[1::2]
    expected = n * model.startprob_[:, None] * model.transmat_
    counts = np.zeros((3, 3))
    np.add.at(counts, (first, second), 1.0)
    possible = expected > 5.0
    assert counts[~possible].sum() < 50
    scaled = expected[possible] * counts[possible].sum() / expected[possible].sum()
    assert chisquare(counts[possible], scaled).pvalue > 1e-3
    for k in range(3):
        z = (X[states == k] - model.means_[k]) / np.sqrt(model.covars_[k])
        assert np.abs(z.mean(axis=0)).max() * len(z) ** 0.5 < 3.7
        assert np.abs((z**2).mean(axis=0) - 1).max() * (len(z) / 2) ** 0.5 < 3.7


def test_draws_go_on_from_a_prefix(walk):
    model = GaussianHMM(3, random_state=0).fit(walk.X, groups=walk.groups)
    before = walk.X[:20]
    n = 5000
    states = model.sample(
        *(n,), groups=np.arange(n), prefix=before, return_states=True, random_state=0
    )[1]
    expected = model.predict_proba(before, method="filter")[-1] @ model.transmat_
    shares = np.bincount(states, minlength=3) / n
    error = np.sqrt(expected * (1 - expected) / n)
    assert (np.abs(shares - expected) < 3.7 * error + 1e-12).all()


def test_missing_cells_are_drawn_from_the_posterior(walk):
    """Draws of one missing cell have the moments of its exact distribution."""
    model = GaussianHMM(2, covariance_type="full", random_state=0)
    model.fit(walk.X, groups=walk.groups)
    X = walk.X[:6].copy()
    X[3, 1] = np.nan
    drawn = np.array(
        [model.sample_conditional(X, random_state=i)[3, 1] for i in range(800)]
    )
    gamma, x = model.predict_proba(X)[3], X[3, 0]
    slope = model.covars_[:, 1, 0] / model.covars_[:, 0, 0]
    means = model.means_[:, 1] + slope * (x - model.means_[:, 0])
    left = model.covars_[:, 1, 1] - slope * model.covars_[:, 1, 0]
    mean = gamma @ means
    variance = gamma @ (left + means**2) - mean**2
    assert abs(drawn.mean() - mean) < 3.7 * np.sqrt(variance / 800)
    filled = model.sample_conditional(X, random_state=0)
    np.testing.assert_array_equal(np.delete(filled, 7), np.delete(X, 7))


def test_group_column(walk):
    """Ids in a column of a DataFrame, in an array, or beside: the same model."""
    frame = pd.DataFrame(walk.X, columns=["x", "y"])
    frame.insert(1, "ride", np.array(["a", "b", "c"])[walk.groups])
    named = GaussianHMM(3, group_column="ride", random_state=0).fit(frame)
    array = np.insert(walk.X, 1, walk.groups, axis=1)
    placed = GaussianHMM(3, group_column=1, random_state=0).fit(array)
    beside = GaussianHMM(3, random_state=0).fit(walk.X, groups=walk.groups)
    for model in (named, placed):
        np.testing.assert_array_equal(model.means_, beside.means_)
    assert named.score(frame) == beside.score(walk.X, groups=walk.groups)
    drawn = named.sample(4, groups=["u", "u", "v", "v"], random_state=0)
    assert list(drawn.columns) == ["x", "ride", "y"]
    assert list(drawn["ride"]) == ["u", "u", "v", "v"]
    missing = frame.copy()
    missing.loc[3, "y"] = np.nan
    filled = named.sample_conditional(missing, random_state=0)
    assert filled["ride"].equals(frame["ride"])
    assert not filled.isna().any(axis=None)


def test_searches_both_ways(walk):
    """Routing hands ids on; without it, a column does. Else ids only split."""
    grid = {"n_components": [1, 3]}
    model = GaussianHMM(random_state=0)
    with config_context(enable_metadata_routing=True):
        routed = GridSearchCV(model, grid, cv=GroupKFold(3))
        routed.fit(walk.X, groups=walk.groups)
    array = np.insert(walk.X, 0, walk.groups, axis=1)
    columns = GridSearchCV(
        GaussianHMM(group_column=0, random_state=0), grid, cv=GroupKFold(3)
    ).fit(array, groups=walk.groups)
    scores = routed.cv_results_["mean_test_score"]
    np.testing.assert_array_equal(scores, columns.cv_results_["mean_test_score"])
    assert routed.best_params_ == {"n_components": 3}
    alone = GridSearchCV(model, grid, cv=GroupKFold(3))
    alone.fit(walk.X, groups=walk.groups)  # fit sees one sequence of all rows
    expected = [
        [GaussianHMM(k, random_state=0).fit(walk.X[a]).score(walk.X[b]) for k in (1, 3)]
        for a, b in GroupKFold(3).split(walk.X, groups=walk.groups)
    ]
    found = alone.cv_results_["mean_test_score"]
    np.testing.assert_allclose(found, np.mean(expected, axis=0), rtol=1e-12)
    assert found[1] != scores[1]  # of one state only the same


def test_learning_goes_on(walk):
    """Interrupted fits go on; batches of sequences are learned from."""
    model = GaussianHMM(3, max_iter=2, tol=1e-9, random_state=0)
    with pytest.warns(UserWarning, match="did not converge"):
        model.fit(walk.X, groups=walk.groups)
    score = model.score(walk.X, groups=walk.groups)
    model.set_params(warm_start=True, max_iter=100, tol=1e-6)
    assert model.fit(walk.X, groups=walk.groups).score(walk.X) > score
    batches = GaussianHMM(3, random_state=0)
    for _ in range(5):
        for i in (0, 1, 2):
            rows = walk.groups == i
            batches.partial_fit(walk.X[rows], groups=walk.groups[rows])
    reference = GaussianHMM(3, random_state=0).fit(walk.X, groups=walk.groups)
    loss = reference.score(walk.X) - batches.score(walk.X)
    assert loss < 0.2


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"lengths": [4, 6]}, TypeError, "groups_from_lengths"),
        ({"wheel": 1}, TypeError, "unexpected keyword argument 'wheel'"),
        ({"y": [4, 6]}, ValueError, "look like lengths of sequences"),
        ({"y": [4.0, 5.0]}, ValueError, "sum 9.* look like lengths of sequences"),
        ({"groups": [0] * 4 + [1] * 3 + [0] * 3}, ValueError, "0 again at row 7"),
        ({"groups": [0, 1]}, ValueError, "one id per row"),
        ({"states": [0] * 9 + [2]}, ValueError, r"states\[9\] is 2: .* n_components"),
        ({"states": [0, 1]}, ValueError, "give one per row"),
        ({"sequence_weight": [1.0, 2.0]}, ValueError, "2 .*1 sequences|1 sequences"),
        ({"sequence_weight": [-1.0]}, ValueError, "sequence_weight"),
    ],
)
def test_messages(arguments, error, message):
    X = np.random.default_rng(0).normal(size=(10, 1))
    with pytest.raises(error, match=message):
        GaussianHMM(2, random_state=0).fit(X, **arguments)


def test_lengths_are_no_labels():
    """Scores of hmmlearn's users would be those of one long sequence, silently."""
    X = np.random.default_rng(0).normal(size=(10, 1))
    model = GaussianHMM(random_state=0).fit(X)
    for method in (model.score, model.fit_predict, model.partial_fit):
        with pytest.raises(ValueError, match="groups_from_lengths"):
            method(X, [4, 6])
    assert model.score(X, np.arange(10)) == model.score(X)
    names = ("score_samples", "score_sequences", "predict", "predict_proba", "decode")
    for name in (*names, "score"):
        with pytest.raises(TypeError, match="groups_from_lengths"):
            getattr(model, name)(X, lengths=[4, 6])
    for name in names:
        with pytest.raises(TypeError, match=f"^{name} takes .*groups_from_lengths"):
            getattr(model, name)(X, [4, 6])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"topology": "ring"}, "topology"),
        ({"topology": [[1, 0]]}, r"shape \(1, 2\)"),
        ({"topology": [[1, 1], [0, 0]]}, "no state follow state 1"),
        ({"transmat_init": [[0.5, 0.5], [0.9, 0.2]]}, "sum 1"),
        ({"topology": "linear", "transmat_init": [[0.5, 0.5]] * 2}, "forbids"),
        ({"startprob_init": [1.0]}, r"shape \(2,\)"),
        ({"startprob_prior": [1.0, -1.0]}, "positive"),
        ({"group_column": "id"}, "no column of X"),
    ],
)
def test_messages_of_parameters(parameters, message):
    X = np.random.default_rng(0).normal(size=(10, 1))
    with pytest.raises(ValueError, match=message):
        GaussianHMM(2, random_state=0, **parameters).fit(X)


def test_rows_without_their_ids(walk):
    frame = pd.DataFrame(walk.X, columns=["x", "y"]).assign(ride=walk.groups)
    named = GaussianHMM(group_column="ride", random_state=0).fit(frame)
    with pytest.raises(ValueError, match=r"no column 'ride'.* Add the ids"):
        named.score(frame[["x", "y"]])
    placed = GaussianHMM(group_column=2, random_state=0).fit(frame.to_numpy())
    for rows in (walk.X, walk.X[:, 0]):
        with pytest.raises(ValueError, match=r"ids of sequences in column 2 .*got"):
            placed.score(rows)


def test_ids_come_one_way():
    X = np.random.default_rng(0).normal(size=(10, 2))
    with pytest.raises(ValueError, match="give one of them"):
        GaussianHMM(group_column=0).fit(X, groups=np.zeros(10))


def test_priors_weigh_less_with_each_batch(walk):
    """Pseudo-counts are counted beside the rows of all batches so far."""
    model = GaussianHMM(3, transmat_prior=21.0, random_state=0)
    within = walk.groups[1:] == walk.groups[:-1]
    pairs = np.zeros((3, 3))
    np.add.at(pairs, (walk.states[:-1][within], walk.states[1:][within]), 1.0)
    for n_batches in (1, 2, 3):
        model.partial_fit(walk.X, groups=walk.groups, states=walk.states)
        counts = n_batches * pairs + 20.0
        shares = counts / counts.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(model.transmat_, shares, rtol=1e-9)
