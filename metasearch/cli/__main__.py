"""`python -m metasearch.cli` is `metasearch`."""

from metasearch.cli import main

main()
