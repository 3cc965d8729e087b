"""Batches of sequences that lack what others have, and rows that are impossible."""

import numpy as np
import pytest
from sklearn.utils import Bunch

from sklearn_gen.hmm import CategoricalHMM, MultinomialHMM
from tests.hmm.test_discrete_hmms import LEVELS, START, STEPS


@pytest.fixture(scope="module")
def planted():
    """Levels of a chain of 4000 rows in 40 sequences."""
    rng = np.random.default_rng(7)
    states = np.empty(4000, dtype=int)
    for t in range(4000):
        chances = START if t % 100 == 0 else STEPS[states[t - 1]]
        states[t] = rng.choice(3, p=chances)
    codes = np.array([rng.choice(5, p=LEVELS[k]) for k in states])
    return Bunch(states=states, codes=codes, groups=np.repeat(np.arange(40), 100))


def test_batches_bring_what_those_before_never_had(planted):
    """First states, steps and levels that the first batch lacks are learned later."""
    model = CategoricalHMM(3, n_features=5, random_state=0)
    for start in range(0, 4000, 100):  # one sequence each
        rows = slice(start, start + 100)
        kept = planted.codes[rows] if start else planted.codes[rows] % 3
        model.partial_fit(kept[:, None], states=planted.states[rows])
    assert model.startprob_.min() > 0.02  # one sequence has one first state
    np.testing.assert_allclose(model.emissionprob_, LEVELS, atol=0.1)
    assert np.isfinite(model.score(planted.codes[:, None], groups=planted.groups))
    counts = np.eye(5, dtype=int)[planted.codes]
    totals = MultinomialHMM(3, random_state=0)
    totals.partial_fit(counts[:300] * (np.arange(5) < 4))
    for start in range(300, 4000, 100):
        totals.partial_fit(counts[start : start + 100])
    assert totals.score(counts) > -1.65  # -inf while the last level is impossible


def test_what_no_state_can_emit_is_refused(planted):
    """Iterations without likelihood would change nothing and say nothing."""
    codes = planted.codes[:500, None]
    model = CategoricalHMM(3, n_features=5, random_state=0, warm_start=True)
    model.fit(np.where(codes == 4, 0, codes))
    row = int(np.argmax(codes == 4))
    with pytest.raises(ValueError, match=f"Row {row} has probability 0 .*warm_start"):
        model.fit(codes)
