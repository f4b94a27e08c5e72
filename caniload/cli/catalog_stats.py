"""`caniload catalog stats`."""

EXAMPLES = ("caniload catalog stats",)


def command() -> int:
    """Not there yet."""
    return 0
