"""Three games whose outcomes are arithmetic and whose means is talk: `haggle`, `pub`, `strike`.

Payoffs of Concordia (Vezhnevets et al. 2023, arXiv:2312.03664), Apache-2.0, ported as rules: no
model ever decides what something is worth. In all three, members `speak` (a text, told to all) and
then `choose` one of some options; the first option is the neutral one.
"""
