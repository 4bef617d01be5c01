"""Data sets, training, export and cards of Vigil's own models."""
