"""roster"""

import sqlalchemy as sa
from alembic import op

import lms.db

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TYPES = (
    "teacher",
    "support_staff",
    "senior_leader",
    "governor",
    "trustee",
    "agency_worker",
    "contractor",
    "volunteer",
    "trainee",
    "peripatetic_teacher",
)


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "roster_import",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("uploaded_by", sa.Uuid(), nullable=True),
        sa.Column("uploaded_at", lms.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("open", "applied", "undone", name="importstate", native_enum=False, length=30),
            nullable=False,
        ),
        sa.Column("packed", sa.LargeBinary(), nullable=True),
        sa.Column("headings", sa.JSON(), nullable=False),
        sa.Column("type_words", sa.JSON(), nullable=False),
        sa.Column(
            "otherwise", sa.Enum(*TYPES, name="engagementtype", native_enum=False, length=30), nullable=False
        ),
        sa.Column("choices", sa.JSON(), nullable=False),
        sa.Column("applied_by", sa.Uuid(), nullable=True),
        sa.Column("applied_at", lms.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.Uuid(), nullable=True),
        sa.Column("undone_at", lms.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("new", sa.Integer(), nullable=True),
        sa.Column("changed", sa.Integer(), nullable=True),
        sa.Column("unchanged", sa.Integer(), nullable=True),
        sa.Column("refused", sa.Integer(), nullable=True),
        sa.Column("ended", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["applied_by"], ["person.id"], name=op.f("fk_roster_import_applied_by")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_roster_import_organisation_id")
        ),
        sa.ForeignKeyConstraint(["undone_by"], ["person.id"], name=op.f("fk_roster_import_undone_by")),
        sa.ForeignKeyConstraint(["uploaded_by"], ["person.id"], name=op.f("fk_roster_import_uploaded_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_import")),
    )
    op.create_index(
        "ix_roster_import_organisation_uploaded_at", "roster_import", ["organisation_id", "uploaded_at"]
    )
    op.create_table(
        "roster_reading",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("headings", sa.JSON(), nullable=False),
        sa.Column("type_words", sa.JSON(), nullable=False),
        sa.Column(
            "otherwise", sa.Enum(*TYPES, name="engagementtype", native_enum=False, length=30), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_roster_reading_organisation_id")
        ),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_roster_reading")),
    )
    op.create_table(
        "roster_effect",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column(
            "done",
            sa.Enum("added", "engaged", "changed", "corrected", name="done", native_enum=False, length=30),
            nullable=False,
        ),
        sa.Column("engagement_id", sa.Uuid(), nullable=True),
        sa.Column("correction_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["import_id"], ["roster_import.id"], name=op.f("fk_roster_effect_import_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_roster_effect_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_effect")),
    )
    op.create_index(op.f("ix_roster_effect_import_id"), "roster_effect", ["import_id"])


def downgrade() -> None:
    """Undo the change."""
    op.drop_table("roster_effect")
    op.drop_table("roster_reading")
    op.drop_table("roster_import")
