"""A static site of everything that is known, which any host can serve."""
