"""What a search found, for people who were not there: facts from the archive's rows, and words.

Nothing here runs a design or asks a model; a report can be made of any archive, anywhere.
"""
