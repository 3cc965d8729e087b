"""The generator gives its authors' numbers, and its numbers their distributions."""

import numpy as np
import pytest
from scipy.stats import chi2, kstest

from sklearn_gen._kernels.randomness import STREAMS, draw_all, seed_streams

# xoshiro128plusplus.c (Blackman & Vigna) from the state 1, 2, 3, 4
REFERENCE = (
    641,
    1573767,
    3222811527,
    3517856514,
    836907274,
    4247214768,
    3867114732,
    1355841295,
    495546011,
    621204420,
)


def _streams(seed=0):
    return seed_streams(np.random.default_rng(seed))


def test_words_are_those_of_the_reference():
    streams = np.repeat([1, 2, 3, 4, 0], STREAMS).astype(np.uint32)
    words, _, _ = draw_all(np.zeros(1, np.float32), len(REFERENCE), streams)
    np.testing.assert_array_equal(words, np.tile(REFERENCE, (STREAMS, 1)).T)


def _python(state, n_draws):
    """The generator in Python's integers: shifts and exclusive ors of 32 bits."""
    mask, out = 2**32 - 1, []
    a, b, c, d = state
    for _ in range(n_draws):
        mixed = (a + d) & mask
        out.append((((mixed << 7) | (mixed >> 25)) + a) & mask)
        shifted = (b << 9) & mask
        c, d = c ^ a, d ^ b
        b, a = b ^ c, a ^ d
        c, d = c ^ shifted, ((d << 11) | (d >> 21)) & mask
    return out


def test_every_stream_goes_its_own_way():
    streams = _streams(3)
    words, _, _ = draw_all(np.zeros(1, np.float32), 40, streams)
    for i in range(STREAMS):
        state = [int(streams[k * STREAMS + i]) for k in range(4)]
        assert words[:, i].tolist() == _python(state, 40)
    assert len(np.unique(words)) == words.size


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_uniforms_and_normals_have_their_distributions(dtype):
    # false-alarm rate of each of the three tests 1e-5
    _, uniforms, normals = draw_all(np.zeros(1, dtype), 2000, _streams(1))
    assert uniforms.dtype == normals.dtype == dtype
    assert 0.0 <= uniforms.min() < uniforms.max() < 1.0
    assert np.isfinite(normals).all()
    assert kstest(uniforms.ravel(), "uniform").pvalue > 1e-5
    assert kstest(normals.ravel(), "norm").pvalue > 1e-5
    pairs = np.floor(8 * uniforms[:, :-1]) * 8 + np.floor(8 * uniforms[:, 1:])
    seen = np.bincount(pairs.astype(int).ravel(), minlength=64)
    expected = pairs.size / 64
    assert chi2.sf(((seen - expected) ** 2 / expected).sum(), 63) > 1e-5


def test_seeds_come_from_the_generator():
    assert np.array_equal(_streams(5), _streams(5))
    assert not np.array_equal(_streams(5), _streams(6))
    assert _streams(7)[:STREAMS].all()  # no stream is all zero
