"""End-to-end tests start whole deployments; those of a file share theirs, and so stay on one worker."""

import pytest


def pytest_configure(config):
    config.addinivalue_line("markers", "xdist_group(name): tests that stay on one worker")


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/e2e/" in item.path.as_posix():
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
