"""Promise: whatever is asked, the server answers with a result or a refusal, and soon.

schemathesis makes requests from the OpenAPI document, one following from the answers to others;
here they are asked by people of a prepared world, with parts of requests which that server takes.
COTERIE_FUZZ_CASES=50000 asks more, COTERIE_SEED repeats a run: it is printed first.
"""

import time
from collections.abc import Mapping
from random import Random
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import seed, settings
from hypothesis.stateful import run_state_machine_as_test
from schemathesis.checks import not_a_server_error  # pyright: ignore
from schemathesis.specs.openapi import checks

from coterie.protocol.api import PREFIX
from tests.fuzz.prepared import Prepared, Request
from tests.fuzz.running import AT_RANDOM, CASES, LIMIT, Tally, complaints, new_seed
from tests.support.server import Server

ROUND: Final = 2_500
"""So many cases to a run of the server: it remembers budgets in memory, and begins anew."""
STEPS: Final = 10
VARIATIONS: Final = 8
"""Of each request that schemathesis makes: that is what takes it long."""
CHECKS: Final[list[Any]] = [
    not_a_server_error,
    checks.content_type_conformance,  # pyright: ignore
    checks.response_schema_conformance,  # pyright: ignore
]


@schemathesis.serializer("application/offset+octet-stream")
def as_it_is(_: object, value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.mark.timeout(300 + CASES)
def test_only_results_and_refusals(
    document: dict[str, Any], prepared: tuple[Server, Prepared]
) -> None:
    server, world = prepared
    number, tally = new_seed(), Tally()
    schema = schemathesis.openapi.from_dict(document)
    ask_honestly(schema, server, world, tally)
    assert tally.with_outcome(*range(200, 300)) == operations(document) - {"GET /events"}
    while tally.asked < CASES:
        cases = min(ROUND, CASES - tally.asked)
        live(schema, server, world, tally, number + tally.asked, cases)
        if tally.asked < CASES:
            server.stop()
            server.start()
    print(tally)  # noqa: T201
    assert tally.with_outcome(*range(500, 600)) == set()
    assert tally.hangs == []
    assert complaints(server.logs) == []


def operations(document: Mapping[str, Any]) -> set[str]:
    return {
        f"{method.upper()} {path}"
        for path, found in document["paths"].items()
        for method in found.keys() - {"parameters"}
    }


# --- asking


def ask_honestly(schema: Any, server: Server, world: Prepared, tally: Tally) -> None:
    """Everything once, as it is taken."""
    for label, request in world.honest.items():
        case = schema[request.path][request.method].Case(
            path_parameters=request.fields,
            query=request.query,
            headers=headers(request, request.token),
            **body(request),
        )
        response = ask(case, server, tally)
        case.validate_response(response, checks=CHECKS)
        assert response.status_code < 300, f"{label}: {response.text}"


def ask(case: Any, server: Server, tally: Tally) -> Any:
    response, is_slow = _ask(case, server, tally)
    if is_slow:
        response, is_slow = _ask(case, server, tally)
    if is_slow:
        tally.hangs.append(case.as_curl_command())
    return response


def _ask(case: Any, server: Server, tally: Tally) -> tuple[Any, bool]:
    began = time.monotonic()
    response = case.call(base_url=server.url + PREFIX, timeout=LIMIT)
    tally.outcomes[case.operation.label, response.status_code] += 1
    return response, tally.is_slow(time.monotonic() - began)


def headers(request: Request, token: str | None) -> dict[str, str]:
    return request.headers | ({"Authorization": f"Bearer {token}"} if token else {})


def body(request: Request) -> Mapping[str, Any]:
    if request.body is None:
        return {}
    media_type = request.headers.get("Content-Type", "application/octet-stream")
    in_json = not isinstance(request.body, bytes)
    return {"body": request.body, "media_type": "application/json" if in_json else media_type}


def live(
    schema: Any, server: Server, world: Prepared, tally: Tally, number: int, cases: int
) -> None:
    """So many cases, one following from others, each with something of a request that is taken."""
    random = Random(number)  # noqa: S311 - what is asked has to be asked again
    enough = tally.asked + cases

    class Life(schema.as_state_machine()):  # type: ignore[misc]
        def before_call(self, case: Any) -> None:
            self.made = [copy_of(case) for _ in range(VARIATIONS)]
            weave(case, world, random)

        def call(self, case: Any, **_: Any) -> Any:
            for one in self.made:
                weave(one, world, random)
                one.validate_response(ask(one, server, tally), checks=CHECKS)
            return ask(case, server, tally)

        def validate_response(self, response: Any, case: Any, **_: Any) -> None:
            case.validate_response(response, checks=CHECKS)

    while tally.asked < enough:
        run_state_machine_as_test(
            seed(number + tally.asked)(Life),
            settings=settings(AT_RANDOM, max_examples=1, stateful_step_count=STEPS),
        )


def copy_of(case: Any) -> Any:
    return case.operation.Case(
        path_parameters=case.path_parameters,
        query=case.query,
        headers=case.headers,
        body=case.body,
        media_type=case.media_type,
    )


def weave(case: Any, world: Prepared, random: Random) -> None:
    """Somebody asks, and some of what they ask is right."""
    request = world.honest.get(case.operation.label)
    if request is None:
        return
    token = request.token if random.random() < 0.6 else random.choice(world.tokens)
    if random.random() < 0.95:
        case.headers = {**(case.headers or {}), **headers(request, token)}
    if request.fields and random.random() < 0.8:
        case.path_parameters = request.fields
    if is_map(request.body) and is_map(case.body):
        case.body = mixed(request.body, case.body, random)
    elif request.body is not None and random.random() < 0.5:
        case.body = request.body


def is_map(value: Any) -> bool:
    return isinstance(value, dict)


def mixed(right: Mapping[str, Any], made: Mapping[str, Any], random: Random) -> dict[str, Any]:
    """Mostly what is right, with a field or two of what was made."""
    share = random.choice((0.0, 0.1, 0.3, 1.0))
    names = [name for name in made if random.random() < share]
    return {
        **right,
        **{
            name: mixed(right[name], made[name], random)
            if is_map(right.get(name)) and is_map(made[name])
            else made[name]
            for name in names
        },
    }
