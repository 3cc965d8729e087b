"""A density inside a wrapper: what it can, its weights, its rows.

All wrappers treat the estimator that they are given alike: they clone it, refuse what
is no density and hand it the weights.
"""
