"""What an exported agent runs on in place of metasearch; exporters copy these modules.

They import the standard library, `openai` and each other, so that a copy is complete.
"""
