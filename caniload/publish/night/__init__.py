"""Report a night: one module a form, each a function from a `NightReport` to text."""
