"""The catalogue: what is known, and what it says; imports records, errors, settings only."""
