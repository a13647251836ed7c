"""Alembic's environment and the revisions. `store/revision.py` runs them."""
