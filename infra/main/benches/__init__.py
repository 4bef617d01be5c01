"""The benchmarks behind `vigil bench`, each beside its floor or its peer in the same run."""
