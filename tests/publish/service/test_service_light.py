from __future__ import annotations

import json
import subprocess
import sys
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from serving import Served

from caniload.cli.serve import ways
from caniload.publish.service import answering, lists, recorded
from caniload.publish.service.app import build
from caniload.publish.service.examples import EXAMPLES
from caniload.settings import Settings

CODE = """
import sys
from importlib import import_module
import caniload
from caniload.cli.registry import COMMANDS
from caniload.cli.app import build
import caniload.api
for name, entry in COMMANDS.items():
    import_module(entry.module)
build(whole=True)
heavy = {"fastapi", "starlette", "uvicorn", "uvloop", "httptools"} & set(sys.modules)
assert not heavy, heavy
"""


def test_nothing_but_a_service_that_runs_imports_its_libraries() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr


def test_what_the_specification_shows_has_the_shape_that_it_says(settings: Settings) -> None:
    """Every example of an answer is valid, and every path of an example is there."""
    routes = build(settings, ways).routes
    assert isinstance(routes, FastAPI)
    shown = set()
    for path, methods in routes.openapi()["paths"].items():
        content = methods["get"]["responses"]["200"]["content"]["application/json"]
        if "example" in content:
            TypeAdapter(_shape(routes, path)).validate_json(json.dumps(content["example"]))
            shown.add(path)
        for status in ("404", "422", "503"):
            assert list(methods["get"]["responses"][status]["content"]) == [
                "application/problem+json"
            ], (path, status)
    assert shown == set(EXAMPLES)


def _shape(routes: FastAPI, path: str) -> Any:
    found = [*routes.routes, *answering.router.routes, *lists.router.routes]
    for route in (*found, *recorded.router.routes):
        if isinstance(route, APIRoute) and route.path_format == path:
            return route.responses[200]["model"]
    raise AssertionError(path)


def test_the_questions_that_the_specification_shows_are_answered(served: Served) -> None:
    """Each parameter's example, alone, in a real request."""
    for path, methods in served.get("/openapi.json").json()["paths"].items():
        parameters = methods["get"].get("parameters", ())
        must = {
            one["name"]: one["schema"]["examples"][0]
            for one in parameters
            if one["in"] == "query" and one["required"]
        }
        for parameter in parameters:
            schema = parameter["schema"]
            texts = schema.get("examples") or parameter.get("examples") or ()
            for text in texts:
                asked, query = path.replace("{model}", "bert"), dict(must)
                if parameter["in"] == "path":
                    asked = path.replace("{" + parameter["name"] + "}", text)
                else:
                    query[parameter["name"]] = text
                asked += f"?{urlencode(query, doseq=True)}"
                answer = served.get(asked)
                assert answer.status_code == 200, (asked, answer.text)
