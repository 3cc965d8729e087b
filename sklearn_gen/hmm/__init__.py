"""Hidden Markov models: densities of sequences, in which a row is a time step."""

from sklearn_gen.hmm._gaussian_hmm import GaussianHMM
from sklearn_gen.hmm._gaussian_mixture_hmm import GaussianMixtureHMM
from sklearn_gen.hmm._sequence_classifier import SequenceClassifier
from sklearn_gen.hmm._sequences import groups_from_lengths

__all__ = [
    "GaussianHMM",
    "GaussianMixtureHMM",
    "SequenceClassifier",
    "groups_from_lengths",
]
