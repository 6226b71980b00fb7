"""assignments"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.add_column(sa.Column("departments", sa.JSON(), server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("earlier", sa.JSON(), server_default="[]", nullable=False))


def downgrade() -> None:
    """Undo the change."""
    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.drop_column("earlier")
        batch_op.drop_column("departments")
