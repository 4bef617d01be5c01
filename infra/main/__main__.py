"""`python -m infra.main` is `vigil`."""

from infra.main.cli import main

main()
