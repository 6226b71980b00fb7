"""LTI 1.3 Advantage, the tool’s side of it. Free of Flask."""
