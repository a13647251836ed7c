"""How far two honest clocks may be apart. One figure, so that no check lets in what the next one refuses."""

from datetime import timedelta

SKEW = timedelta(seconds=30)
