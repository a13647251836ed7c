"""A chain made by hand for tests, here and downstream: `FakeChain().mine(3).fork_at(1)`. Never used in production."""
