"""Classifiers made of one density per class."""

from sklearn_gen.classifier._classifier import GenerativeClassifier

__all__ = ["GenerativeClassifier"]
