"""What a library states of itself, read where it is installed: one file a catalogue.

An emitter runs in an environment's own Python as ``caniload_emitters.<module>``, a package of
its own name, so that our `timm.py` never shadows theirs. It imports the standard library and the
framework, nothing of the host's, asks no network, and writes the lines that `facts.py` of the
folder above describes to standard output; whatever else is printed goes to standard error.
"""
