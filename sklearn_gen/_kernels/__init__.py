"""Numba kernels: arrays in, NamedTuples of arrays out. They know no estimator.

``gaussian`` scores rows under Gaussian mixtures and sums their moments, ``missing``
does so for rows that each miss other cells, ``kmeans`` assigns rows to centers,
``neighbors`` finds the nearest rows of mixed tables,
``mixture`` turns log joint densities into responsibilities, ``special`` holds the
exponential and the logarithm that LLVM can vectorise.
Importing the package compiles nothing; a kernel is compiled, or read from the cache,
at its first call.
"""
