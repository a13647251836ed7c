"""Payment links as QR codes. An SVG of a long link takes segno 20 ms: draw it off the event loop, or keep it."""

import io

import segno

_ERROR_CORRECTION = "m"
_QUIET_ZONE = 4  # modules, ISO/IEC 18004


def svg(uri: str) -> str:
    """Return an SVG element to put into a page; it scales with its box. Raises ValueError beyond QR's capacity."""
    drawing: str = segno.make_qr(uri, error=_ERROR_CORRECTION).svg_inline(
        border=_QUIET_ZONE, omitsize=True, light="#fff", dark="#000"
    )
    return drawing


def terminal(uri: str) -> str:
    """Return text that draws the code with half blocks. Raises ValueError beyond QR's capacity."""
    drawing = io.StringIO()
    segno.make_qr(uri, error=_ERROR_CORRECTION).terminal(out=drawing, border=_QUIET_ZONE, compact=True)
    return drawing.getvalue()
