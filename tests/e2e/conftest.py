"""End-to-end tests start whole deployments; one worker has them all."""

import pytest


def pytest_configure(config):
    config.addinivalue_line("markers", "xdist_group(name): tests that stay on one worker")


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/e2e/" in item.path.as_posix():
            item.add_marker(pytest.mark.xdist_group("e2e"))
