"""Restricted Boltzmann machines with likelihoods."""

from sklearn_gen.rbm._bernoulli_rbm import BernoulliRBM
from sklearn_gen.rbm._categorical_rbm import CategoricalRBM
from sklearn_gen.rbm._classification_rbm import ClassificationRBM
from sklearn_gen.rbm._deep_belief_network import DeepBeliefNetwork
from sklearn_gen.rbm._gaussian_rbm import GaussianRBM
from sklearn_gen.rbm._rbm import RBM

__all__ = [
    "RBM",
    "BernoulliRBM",
    "CategoricalRBM",
    "ClassificationRBM",
    "DeepBeliefNetwork",
    "GaussianRBM",
]
