"""A Solana node for tests: real programs and signatures in solders' litesvm, blocks and forks as the test says."""
