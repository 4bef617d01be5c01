"""Models served by Triton: the client and the repository."""
