"""Figures: each module here has `figure(quick) -> dict`, printed as one JSON line."""
