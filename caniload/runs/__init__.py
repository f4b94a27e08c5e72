"""Attempts: environments, plan, sandbox, journal, executor."""
