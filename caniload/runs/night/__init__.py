"""A night: plan, fetch ahead, run, judge; each step stands alone in a file of its own."""
