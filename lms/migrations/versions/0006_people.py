"""people"""

import sqlalchemy as sa
from alembic import op

import lms.db

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "correction",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("root_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("fact", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("corrected_at", lms.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("corrected_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_correction_person_id")),
        sa.ForeignKeyConstraint(["root_id"], ["organisation.id"], name=op.f("fk_correction_root_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_correction")),
    )
    with op.batch_alter_table("correction", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_correction_corrected_at"), ["corrected_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_correction_person_id"), ["person_id"], unique=False)

    op.create_table(
        "absence",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("starts", sa.Date(), nullable=False),
        sa.Column("ends", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recorded_from", lms.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("recorded_to", lms.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_absence_organisation_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_absence_person_id")),
        sa.PrimaryKeyConstraint("id", "recorded_from", name=op.f("pk_absence")),
    )
    with op.batch_alter_table("absence", schema=None) as batch_op:
        batch_op.create_index(
            "ix_absence_organisation_person", ["organisation_id", "person_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_absence_person_id"), ["person_id"], unique=False)
        batch_op.create_index(
            "uq_absence_current",
            ["id"],
            unique=True,
            sqlite_where=sa.text("recorded_to IS NULL"),
            postgresql_where=sa.text("recorded_to IS NULL"),
        )

    op.create_table(
        "outside_training",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=False),
        sa.Column("said_by", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recorded_from", lms.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("recorded_to", lms.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_outside_training_organisation_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_outside_training_person_id")),
        sa.PrimaryKeyConstraint("id", "recorded_from", name=op.f("pk_outside_training")),
    )
    with op.batch_alter_table("outside_training", schema=None) as batch_op:
        batch_op.create_index(
            "ix_outside_training_organisation_person", ["organisation_id", "person_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_outside_training_person_id"), ["person_id"], unique=False)
        batch_op.create_index(
            "uq_outside_training_current",
            ["id"],
            unique=True,
            sqlite_where=sa.text("recorded_to IS NULL"),
            postgresql_where=sa.text("recorded_to IS NULL"),
        )

    op.create_table(
        "merge",
        sa.Column("root_id", sa.Uuid(), nullable=False),
        sa.Column("kept_id", sa.Uuid(), nullable=False),
        sa.Column("merged_id", sa.Uuid(), nullable=False),
        sa.Column("moved", sa.JSON(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recorded_from", lms.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("recorded_to", lms.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["kept_id"], ["person.id"], name=op.f("fk_merge_kept_id")),
        sa.ForeignKeyConstraint(["merged_id"], ["person.id"], name=op.f("fk_merge_merged_id")),
        sa.ForeignKeyConstraint(["root_id"], ["organisation.id"], name=op.f("fk_merge_root_id")),
        sa.PrimaryKeyConstraint("id", "recorded_from", name=op.f("pk_merge")),
    )
    with op.batch_alter_table("merge", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_merge_kept_id"), ["kept_id"], unique=False)
        batch_op.create_index(
            "uq_merge_current",
            ["merged_id"],
            unique=True,
            sqlite_where=sa.text("recorded_to IS NULL"),
            postgresql_where=sa.text("recorded_to IS NULL"),
        )

    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.add_column(sa.Column("merged_into", sa.Uuid(), nullable=True))

    with op.batch_alter_table("engagement", schema=None) as batch_op:
        batch_op.add_column(sa.Column("recorded_by", sa.Uuid(), nullable=True))


def downgrade() -> None:
    """Undo the change."""
    with op.batch_alter_table("engagement", schema=None) as batch_op:
        batch_op.drop_column("recorded_by")
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.drop_column("merged_into")
    op.drop_table("merge")
    op.drop_table("outside_training")
    op.drop_table("absence")
    op.drop_table("correction")
