"""What Alembic runs. `metasearch` gives it an open connection; a developer gives it a URL.

To write the next migration: change metasearch/archive/models.py, then, in the project's root,

    alembic -c archive/alembic.ini -x url=sqlite:////tmp/old.db upgrade head
    alembic -c archive/alembic.ini -x url=sqlite:////tmp/old.db revision \
        --autogenerate --rev-id r0002 -m "what changes"
    python -m tests.archive.make_fixture        # an archive of that schema, with data in it
"""

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection, create_engine
from sqlalchemy.types import TypeDecorator

from metasearch.archive.models import METADATA


def plain_type(kind: str, value: Any, _: Any) -> str | Literal[False]:
    """Write a column's database type: a migration must not change when our Python types do."""
    if kind == "type" and isinstance(value, TypeDecorator):
        return f"sa.{value.impl_instance!r}"
    return False


def run(connection: Connection) -> None:
    """Bring the database up, inside the caller's transaction."""
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_as_batch=True,  # SQLite alters a table by copying it
        render_item=plain_type,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with create_engine(context.get_x_argument(as_dictionary=True)["url"]).begin() as connection:
        run(connection)
