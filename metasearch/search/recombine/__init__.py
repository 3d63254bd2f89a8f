"""`Recombine`: crossover, mutation and a library of moves over the texts of archived designs.

`text` edits sources, `module` takes them apart and puts them together, `layout` breaks lines,
`calls` estimates what a design costs; `tuning`, `structure`, `routing`, `crossing` are the moves.
"""

from metasearch.search.recombine.proposer import OPERATORS, Recombine, build

__all__ = ["OPERATORS", "Recombine", "build"]
