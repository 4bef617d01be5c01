"""Replay: real trajectories sent as HL7 through the listener."""
