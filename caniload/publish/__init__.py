"""Everything that shows evidence outside the command line."""
