"""Scores to decisions to people: episodes, policy, outbox, pager, channels, board."""
