"""`python -m metasearch` is `metasearch`."""

from metasearch.cli import main

main()
