"""Honest figures for a model: discrimination, calibration, utility, beside the published score."""
