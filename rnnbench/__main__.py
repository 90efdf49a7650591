"""`python -m rnnbench`."""

from rnnbench.cli.app import main

main()
