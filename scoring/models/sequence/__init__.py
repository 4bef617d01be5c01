"""The causal sequence model over events: steps, encoding, network, training, export, and the state a patient carries."""
