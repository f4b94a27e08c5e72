"""The worker: what runs inside the environment under test.

Standard library and the framework under test only, Python 3.9 and later, relative imports. The
parent starts this package under the name `caniload_smoke`, so that a file named like a library
never shadows it.
"""
