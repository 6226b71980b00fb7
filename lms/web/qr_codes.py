"""QR codes as drawings in the page."""

from __future__ import annotations

import segno
from markupsafe import Markup


def drawing_of(address: str) -> Markup:
    """Return the QR code of an address as SVG, which takes the size of what it stands in."""
    code = segno.make(address, error="m", micro=False)
    return Markup(code.svg_inline(scale=5, border=4, omitsize=True))  # noqa: S704 (segno's own drawing)
