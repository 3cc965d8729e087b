"""Hidden Markov models: densities of sequences, in which a row is a time step."""

from sklearn_gen.hmm._autoregressive_hmm import AutoregressiveHMM
from sklearn_gen.hmm._bernoulli_hmm import BernoulliHMM
from sklearn_gen.hmm._categorical_hmm import CategoricalHMM
from sklearn_gen.hmm._forecast import Forecast
from sklearn_gen.hmm._gaussian_hmm import GaussianHMM
from sklearn_gen.hmm._gaussian_mixture_hmm import GaussianMixtureHMM
from sklearn_gen.hmm._mixed_hmm import MixedHMM
from sklearn_gen.hmm._multinomial_hmm import MultinomialHMM
from sklearn_gen.hmm._poisson_hmm import PoissonHMM
from sklearn_gen.hmm._sequence_classifier import SequenceClassifier
from sklearn_gen.hmm._sequences import groups_from_lengths
from sklearn_gen.hmm._student_t_hmm import StudentTHMM
from sklearn_gen.hmm._variational_categorical_hmm import VariationalCategoricalHMM
from sklearn_gen.hmm._variational_gaussian_hmm import VariationalGaussianHMM

__all__ = [
    "AutoregressiveHMM",
    "BernoulliHMM",
    "CategoricalHMM",
    "Forecast",
    "GaussianHMM",
    "GaussianMixtureHMM",
    "MixedHMM",
    "MultinomialHMM",
    "PoissonHMM",
    "SequenceClassifier",
    "StudentTHMM",
    "VariationalCategoricalHMM",
    "VariationalGaussianHMM",
    "groups_from_lengths",
]
