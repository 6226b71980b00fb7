"""mailings"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.add_column(sa.Column("mailing_id", sa.Uuid(), nullable=True))
        batch_op.create_index(batch_op.f("ix_message_mailing_id"), ["mailing_id"], unique=False)


def downgrade() -> None:
    """Undo the change."""
    # Before this nothing could be taken back.
    op.execute("UPDATE message SET state = 'failed', reason = 'taken back' WHERE state = 'taken_back'")
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_message_mailing_id"))
        batch_op.drop_column("mailing_id")
