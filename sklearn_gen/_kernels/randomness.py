"""Random numbers that vectorise: many streams of one published generator, abreast.

The generator is xoshiro128++ 1.0 (Blackman & Vigna 2021, doi:10.1145/3460772), of
period 2^128 - 1. ``STREAMS`` of them, seeded apart by a NumPy Generator, each give one
number at a time, so that the loop over streams becomes vector instructions. That two of
S streams overlap within their first n numbers has a probability below S^2 n / 2^128.
"""

import numpy as np

from sklearn_gen._kernels._jit import jit, kernel
from sklearn_gen._kernels.special import log

STREAMS = 64
_TWO_PI = 6.283185307179586


def seed_streams(rng):
    """Streams for kernels to draw from, seeded by a NumPy Generator.

    Parameters
    ----------
    rng : numpy.random.Generator
        Gives the 128 bits of each stream.

    Returns
    -------
    streams : ndarray of shape (5 * STREAMS,), uint32
        State s0, s1, s2, s3 of each stream (never all zero), and its last number: in
        one array, so that the compiler knows how far apart they are.
    """
    streams = rng.integers(0, 2**32, size=5 * STREAMS, dtype=np.uint32)
    streams[:STREAMS] |= np.uint32(1)
    return streams


@jit
def draw_words(streams):
    """Move each stream on by one number, to ``streams[4 * STREAMS:]``."""
    for i in range(STREAMS):
        a, b = streams[i], streams[STREAMS + i]
        c, d = streams[2 * STREAMS + i], streams[3 * STREAMS + i]
        mixed = np.uint32(a + d)
        mixed = np.uint32(mixed << np.uint32(7)) | np.uint32(mixed >> np.uint32(25))
        streams[4 * STREAMS + i] = np.uint32(mixed + a)
        c = np.uint32(c ^ a)
        d = np.uint32(d ^ b)
        streams[STREAMS + i] = np.uint32(b ^ c)
        streams[i] = np.uint32(a ^ d)
        streams[2 * STREAMS + i] = np.uint32(c ^ np.uint32(b << np.uint32(9)))
        turned = np.uint32(d << np.uint32(11)) | np.uint32(d >> np.uint32(21))
        streams[3 * STREAMS + i] = np.uint32(turned)


@jit
def draw_uniforms(streams, uniforms):
    """STREAMS numbers of [0, 1): multiples of 2^-24 (float32) or 2^-53 (float64)."""
    draw_words(streams)
    one = uniforms.dtype.type
    if uniforms.itemsize == 4:
        for i in range(STREAMS):
            high = np.int32(streams[4 * STREAMS + i] >> np.uint32(8))
            uniforms[i] = one(high) * one(2.0**-24)
        return
    for i in range(STREAMS):
        uniforms[i] = one(np.int32(streams[4 * STREAMS + i] >> np.uint32(5)))
    draw_words(streams)
    for i in range(STREAMS):
        low = one(np.int32(streams[4 * STREAMS + i] >> np.uint32(6)))
        uniforms[i] = (uniforms[i] * one(2.0**26) + low) * one(2.0**-53)


@jit
def draw_normals(streams, normals):
    """STREAMS standard normal numbers (Box & Muller 1958)."""
    draw_uniforms(streams, normals)
    half = STREAMS // 2
    for i in range(half):
        radius = np.sqrt(-2.0 * log(1.0 - np.float64(normals[i])))
        angle = _TWO_PI * np.float64(normals[half + i])
        normals[i] = radius * np.cos(angle)
        normals[half + i] = radius * np.sin(angle)


@kernel
def draw_all(like, n_draws, streams):
    """Words, uniform and normal numbers, for tests: each (n_draws, STREAMS)."""
    streams = streams.copy()
    words = np.empty((n_draws, STREAMS), np.uint32)
    uniforms = np.empty((n_draws, STREAMS), like.dtype)
    normals = np.empty((n_draws, STREAMS), like.dtype)
    for n in range(n_draws):
        draw_words(streams)
        words[n] = streams[4 * STREAMS :]
    for n in range(n_draws):
        draw_uniforms(streams, uniforms[n])
        draw_normals(streams, normals[n])
    return words, uniforms, normals
