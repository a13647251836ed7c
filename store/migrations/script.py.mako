"""${message}."""

import sqlalchemy as sa
from alembic import op

from store.types import Amount, Instant

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Bring the tables here. There is no way back but the backup."""
    ${upgrades if upgrades else "pass"}
