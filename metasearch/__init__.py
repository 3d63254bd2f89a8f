"""metasearch: a search for agentic systems that are worth keeping."""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
