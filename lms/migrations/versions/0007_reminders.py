"""reminders"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "reminder_settings",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("head_email", sa.Text(), nullable=True),
        sa.Column("escalate_after", sa.Integer(), nullable=False),
        sa.Column("managers_weekly", sa.Boolean(), nullable=False),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_reminder_settings_organisation_id")
        ),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_reminder_settings")),
    )
    op.create_table(
        "reminder_schedule",
        sa.Column("assignment_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("offsets", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_reminder_schedule_organisation_id")
        ),
        sa.PrimaryKeyConstraint("assignment_id", name=op.f("pk_reminder_schedule")),
    )
    with op.batch_alter_table("reminder_schedule", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_reminder_schedule_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "term_date",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("term", "holiday", name="dayskind", native_enum=False, length=30),
            nullable=False,
        ),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_term_date_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_term_date")),
    )
    with op.batch_alter_table("term_date", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_term_date_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "reminder",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("assignment_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("scheduled", "by_hand", "escalated", name="reminderkind", native_enum=False, length=30),
            nullable=False,
        ),
        sa.Column("reminded_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_reminder_message_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_reminder_organisation_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_reminder_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminder")),
    )
    with op.batch_alter_table("reminder", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reminder_message_id"), ["message_id"], unique=False)
        batch_op.create_index(
            "ix_reminder_organisation_person", ["organisation_id", "person_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_reminder_person_id"), ["person_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_reminder_reminded_on"), ["reminded_on"], unique=False)


def downgrade() -> None:
    """Undo the change."""
    op.drop_table("reminder")
    op.drop_table("term_date")
    op.drop_table("reminder_schedule")
    op.drop_table("reminder_settings")
