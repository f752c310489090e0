"""docs/deploy: the unit, the Containerfile and the manifests, as far as they can be checked without running them."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from oidc_gate import Settings
from oidc_gate.cli import build_parser
from oidc_gate.cli.serve import GRACE_SECONDS
from oidc_gate.endpoints.table import ENDPOINTS
from oidc_gate.settings.schema import SCHEMA, SECRETS
from oidc_gate.testing import environ_for_tests

REPOSITORY = Path(__file__).parents[2]
DEPLOY = REPOSITORY / "docs/deploy"
VARIABLES = {each.variable for each in SCHEMA.values()} | {
    f"{SCHEMA[each].variable}_FILE" for each in SECRETS
}
UNIT = (DEPLOY / "oidc-gate.service").read_text()
MOST_EXPOSED = 1.5  # of 10; "OK" begins at 2


def unit(name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", UNIT, re.MULTILINE)


def systemd_analyze(*words: str) -> subprocess.CompletedProcess[str]:
    if (program := shutil.which("systemd-analyze")) is None:
        pytest.skip("there is no systemd-analyze here")
    return subprocess.run([program, *words], capture_output=True, text=True, check=False)


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    file = tmp_path / "oidc-gate.service"
    file.write_text(UNIT.replace("/opt/oidc-gate/bin/oidc-gate", sys.executable))  # it looks for the program
    done = systemd_analyze("verify", "--man=no", str(file))
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "oidc-gate" in line]
    assert (done.returncode, ours) == (0, [])


def test_the_unit_exposes_little(tmp_path: Path) -> None:
    file = tmp_path / "oidc-gate.service"
    file.write_text(UNIT)
    done = systemd_analyze("security", "--offline=true", "--no-pager", str(file))
    found = re.search(r"Overall exposure level for .*: ([0-9.]+)", done.stdout)
    assert found, done.stderr
    assert float(found[1]) <= MOST_EXPOSED, done.stdout


def test_the_unit_runs_a_command_that_exists() -> None:
    (command,) = unit("ExecStart")
    program, *words = shlex.split(command)
    assert program.endswith("/oidc-gate")
    options = build_parser().parse_args(words)
    assert (options.command, options.port) == ("serve", 4180)
    assert int(unit("TimeoutStopSec")[0]) > options.graceful_timeout
    assert (unit("Type"), unit("RestartPreventExitStatus")) == (["notify"], ["2"])
    assert {each.partition("=")[0] for each in unit("Environment")} <= VARIABLES
    given = {each.partition(":")[0] for each in unit("LoadCredential")}
    assert given == {each.partition("=%d/")[2] for each in unit("Environment")}


def instructions() -> list[list[str]]:
    text = (DEPLOY / "Containerfile").read_text().replace("\\\n", " ")
    return [line.split(None, 1) for line in text.splitlines() if line and not line.startswith("#")]


def argument(name: str) -> str:
    return [rest for word, rest in instructions() if word == name][-1]


def test_the_container_has_neither_root_nor_a_compiler() -> None:
    user, _, group = argument("USER").partition(":")
    assert int(user) > 0 < int(group)
    after_user = [word for word, _ in instructions()]
    after_user = after_user[after_user.index("USER") + 1 :]
    assert set(after_user) == {"EXPOSE", "ENTRYPOINT", "CMD"}
    run = [rest for word, rest in instructions() if word == "RUN"]
    assert not any(re.search(r"\b(apt|apt-get|apk|gcc|build-essential|sudo)\b", each) for each in run)
    assert all("--only-binary :all:" in each for each in run if "pip install" in each)


@pytest.mark.slow
def test_the_container_copies_what_exists_and_runs_what_exists() -> None:
    for word, rest in instructions():
        if word == "COPY" and not rest.startswith("--from"):
            assert all((REPOSITORY / each).exists() for each in rest.split()[:-1]), rest
    words = json.loads(argument("CMD"))
    options = build_parser().parse_args(words)
    assert (options.command, options.host, str(options.port)) == ("serve", "0.0.0.0", argument("EXPOSE"))
    extras = re.search(r"\.whl\)\[([a-z,]+)\]", argument("RUN"))
    known = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert extras
    assert set(extras[1].split(",")) <= set(known)


MANIFESTS: dict[str, Any] = {
    each["kind"]: each for each in yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())
}
POD = MANIFESTS["Deployment"]["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]


def test_the_probes_ask_endpoints_that_exist() -> None:
    paths = {name: CONTAINER[f"{name}Probe"]["httpGet"] for name in ("liveness", "readiness")}
    assert paths == {
        "liveness": {"path": "/oauth2/ping", "port": "http"},
        "readiness": {"path": "/oauth2/ready", "port": "http"},
    }
    assert {"ping", "ready"} <= set(ENDPOINTS)
    assert SCHEMA["prefix"].default == "/oauth2"


def test_the_ports_agree() -> None:
    options = build_parser().parse_args([str(word) for word in CONTAINER["args"]])
    (port,) = CONTAINER["ports"]
    (service,) = MANIFESTS["Service"]["spec"]["ports"]
    assert options.port == port["containerPort"] == service["port"] == int(argument("EXPOSE"))
    assert port["name"] == service["targetPort"] == "http"
    mounts = {each["mountPath"]: each["name"] for each in CONTAINER["volumeMounts"]}
    assert mounts[str(Path(options.config).parent)] == "settings"
    assert set(MANIFESTS["ConfigMap"]["data"]) == {Path(options.config).name}


def test_the_names_are_those_of_settings(tmp_path: Path) -> None:
    assert {each["name"] for each in CONTAINER["env"]} <= VARIABLES
    file = tmp_path / "gate.toml"
    file.write_text(MANIFESTS["ConfigMap"]["data"]["gate.toml"])
    secrets = {name: value for name, value in environ_for_tests().items() if name.endswith("_SECRET")}
    assert Settings.load(config=file, environ=secrets).public_url == "https://app.example.com"


def test_a_pod_ends_after_its_last_answers() -> None:
    pause = float(CONTAINER["lifecycle"]["preStop"]["exec"]["command"][1])
    assert POD["terminationGracePeriodSeconds"] > pause + GRACE_SECONDS


def test_a_pod_runs_as_the_user_of_the_image_and_every_selector_finds_it() -> None:
    assert POD["securityContext"]["runAsUser"] == int(argument("USER").partition(":")[0])
    labels = MANIFESTS["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert labels == MANIFESTS["Deployment"]["spec"]["selector"]["matchLabels"]
    assert labels == MANIFESTS["Service"]["spec"]["selector"]
    assert labels == MANIFESTS["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"]
    assert labels == MANIFESTS["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"]
