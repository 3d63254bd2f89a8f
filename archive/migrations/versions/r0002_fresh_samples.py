"""Summaries leave out the finals' evaluations: the index that they read knows the repeat."""

from alembic import op

revision = "r0002"
down_revision = "r0001"
branch_labels = None
depends_on = None

SUMMED = (
    "search_id entry_id split outcome score picodollars prompt_tokens completion_tokens seconds"
)


def upgrade() -> None:
    """Move up; the views are made again with every move."""
    op.drop_index("ix_evaluation_summary", table_name="evaluation")
    op.create_index("ix_evaluation_summary", "evaluation", [*SUMMED.split(), "repeat"])
