"""What an exported agent needs, and nothing else."""

from __future__ import annotations

__all__ = ["OPENAI", "PYTHON"]

OPENAI = "openai>=1.109,<4"
PYTHON = ">=3.11"
