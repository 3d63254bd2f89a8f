"""The program that runs one job inside a sandbox."""
