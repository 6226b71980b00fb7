"""A school's staff list: read, matched with who is on record, compared, applied and undone."""
