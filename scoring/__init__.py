"""Features to scores: published early-warning scores, models, training, the Triton client and its repository."""
