"""Restricted Boltzmann machines with likelihoods."""

__all__ = []
