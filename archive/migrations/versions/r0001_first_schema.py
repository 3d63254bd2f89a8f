"""The first schema."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "r0001"
down_revision = None
branch_labels = None
depends_on = None

TYPES = {
    "text": sa.Text(),
    "integer": sa.Integer(),
    "bigint": sa.BigInteger(),
    "real": sa.Float(),
    "moment": sa.DateTime(timezone=True),
    "bytes": sa.LargeBinary(),
    "flag": sa.Boolean(),
}


def upgrade() -> None:
    """Move up; there is no way down: an archive is never made smaller."""
    texts_and_tasks()
    searches()
    entries()
    evaluations()
    calls()


def columns(text: str) -> Iterator[sa.Column]:
    """Yield the columns that lines of "NAME TYPE" describe; "TYPE?" may be NULL."""
    for line in text.strip().splitlines():
        name, kind = line.split()
        nullable = kind.endswith("?")
        yield sa.Column(name, TYPES[kind.rstrip("?")], nullable=nullable)


def primary(table: str, *names: str) -> sa.PrimaryKeyConstraint:
    """Return the primary key."""
    return sa.PrimaryKeyConstraint(*names, name=f"pk_{table}")


def unique(table: str, *names: str) -> sa.UniqueConstraint:
    """Return a unique constraint."""
    return sa.UniqueConstraint(*names, name=f"uq_{table}_{'_'.join(names)}")


def points(table: str, names: str, target: str) -> sa.ForeignKeyConstraint:
    """Return a foreign key: columns `names` to `target`, written "table.column ..."."""
    own = names.split()
    return sa.ForeignKeyConstraint(own, target.split(), name=f"fk_{table}_{'_'.join(own)}")


def texts_and_tasks() -> None:
    """Make what searches share."""
    op.create_table(
        "text",
        *columns("sha text\n size integer\n data bytes"),
        primary("text", "sha"),
    )
    op.create_table(
        "task",
        *columns(
            """
            sha text
            id text
            prompt text
            gold text
            answer_type text
            kind text
            extra text
            """
        ),
        primary("task", "sha"),
    )
    op.create_index("ix_task_id", "task", ["id"])
    op.create_table(
        "design",
        *columns("id text\n source_sha text\n created_at moment"),
        primary("design", "id"),
        points("design", "source_sha", "text.sha"),
    )


def searches() -> None:
    """Make a search, who runs it, its tasks and its log."""
    op.create_table(
        "search",
        *columns(
            """
            id text
            domain text
            strategy text
            config text
            seed bigint
            status text
            reason text
            version text
            created_at moment
            updated_at moment
            """
        ),
        primary("search", "id"),
    )
    op.create_table(
        "lease",
        *columns("search_id text\n pid bigint\n host text\n token text\n heartbeat moment"),
        primary("lease", "search_id"),
        points("lease", "search_id", "search.id"),
    )
    op.create_table(
        "search_task",
        *columns("search_id text\n task_id text\n split text\n position integer\n task_sha text"),
        primary("search_task", "search_id", "task_id"),
        points("search_task", "search_id", "search.id"),
        points("search_task", "task_sha", "task.sha"),
        unique("search_task", "search_id", "split", "position"),
        unique("search_task", "search_id", "task_id", "split"),
    )
    op.create_table(
        "event",
        *columns("id integer\n search_id text\n at moment\n kind text\n text text"),
        primary("event", "id"),
        points("event", "search_id", "search.id"),
    )
    op.create_index("ix_event_search_id_id", "event", ["search_id", "id"])


def entries() -> None:
    """Make proposals and who came from whom."""
    op.create_table(
        "entry",
        *columns(
            """
            id integer
            search_id text
            number integer
            design_id text?
            name text
            idea text
            status text
            proposer text
            operator text
            reason text
            raw_sha text?
            prompt_tokens integer
            cached_tokens integer
            completion_tokens integer
            picodollars bigint
            created_at moment
            """
        ),
        primary("entry", "id"),
        points("entry", "search_id", "search.id"),
        points("entry", "design_id", "design.id"),
        points("entry", "raw_sha", "text.sha"),
        unique("entry", "search_id", "number"),
    )
    op.create_index("ix_entry_search_id_design_id", "entry", ["search_id", "design_id"])
    op.create_table(
        "parent",
        *columns("child_id integer\n parent_id integer\n position integer"),
        primary("parent", "child_id", "parent_id"),
        points("parent", "child_id", "entry.id"),
        points("parent", "parent_id", "entry.id"),
        unique("parent", "child_id", "position"),
    )
    op.create_index("ix_parent_parent_id", "parent", ["parent_id"])


def evaluations() -> None:
    """Make evaluations, with the index that holds all that a summary adds up."""
    place = "search_task.search_id search_task.task_id search_task.split"
    op.create_table(
        "evaluation",
        *columns(
            """
            id integer
            search_id text
            entry_id integer
            design_id text
            task_id text
            split text
            repeat integer
            outcome text
            score real
            answer text
            error text
            stdout_sha text?
            calls integer
            prompt_tokens integer
            cached_tokens integer
            completion_tokens integer
            picodollars bigint
            seconds real
            active_seconds real
            created_at moment
            """
        ),
        primary("evaluation", "id"),
        points("evaluation", "search_id task_id split", place),
        points("evaluation", "entry_id", "entry.id"),
        points("evaluation", "design_id", "design.id"),
        points("evaluation", "stdout_sha", "text.sha"),
        unique("evaluation", "search_id", "design_id", "task_id", "repeat"),
    )
    added_up = "outcome score picodollars prompt_tokens completion_tokens seconds"
    op.create_index(
        "ix_evaluation_summary",
        "evaluation",
        ["search_id", "entry_id", "split", *added_up.split()],
    )


def calls() -> None:
    """Make the record of replies, and the traces that point into it."""
    op.create_table(
        "reply",
        *columns(
            """
            key text
            model text
            request text
            text_sha text
            finish text
            prompt_tokens integer
            cached_tokens integer
            completion_tokens integer
            picodollars bigint
            seconds real
            scope text
            repeat integer
            occurrence integer
            search_id text?
            owner text
            created_at moment
            """
        ),
        primary("reply", "key"),
        points("reply", "text_sha", "text.sha"),
        points("reply", "search_id", "search.id"),
    )
    added_up = "picodollars prompt_tokens cached_tokens completion_tokens"
    op.create_index("ix_reply_spent", "reply", ["search_id", "owner", *added_up.split()])
    traces()


def traces() -> None:
    """Make the calls of evaluations and proposals."""
    one_owner = "(evaluation_id IS NULL) <> (entry_id IS NULL)"
    one_end = "(reply_key IS NULL) <> (failed_key IS NULL)"
    op.create_table(
        "call",
        *columns(
            """
            id integer
            evaluation_id integer?
            entry_id integer?
            position integer
            agent text
            reply_key text?
            recorded flag
            failed_key text?
            failed_model text?
            request text?
            error text
            """
        ),
        primary("call", "id"),
        points("call", "evaluation_id", "evaluation.id"),
        points("call", "entry_id", "entry.id"),
        points("call", "reply_key", "reply.key"),
        sa.CheckConstraint(one_owner, name=op.f("ck_call_owner")),
        sa.CheckConstraint(one_end, name=op.f("ck_call_reply")),
    )
    op.create_index("ix_call_evaluation_id_position", "call", ["evaluation_id", "position"])
    op.create_index("ix_call_entry_id_position", "call", ["entry_id", "position"])
