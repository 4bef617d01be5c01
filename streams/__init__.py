"""Events to state to features: topics, listener, the Faust worker and its batch, rolling state, replay, the simulated ward."""
