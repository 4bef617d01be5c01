"""The ground every room stands on: settings, clock, metrics, logs, database, local servers."""
