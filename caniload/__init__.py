"""caniload answers one question with evidence: can I load this pretrained model, here?"""

__version__ = "0.1.0"
