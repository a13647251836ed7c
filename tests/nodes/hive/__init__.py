"""An emulation of hived: real operations, keys, signatures and ids; consensus, elections and rewards are left out.

`python -m tests.nodes.hive --port 8091` runs it as a node of its own.
"""
