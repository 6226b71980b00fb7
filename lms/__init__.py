"""Countersign: staff training with attestation tracking for schools."""
