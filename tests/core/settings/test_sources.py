"""Where settings come from: keywords, environment, TOML, files with secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from oidc_gate.errors import ConfigurationError
from oidc_gate.settings import Settings
from oidc_gate.settings.hints import FOREIGN
from oidc_gate.settings.problems import Problem
from oidc_gate.settings.schema import SECRETS

from .cases import GOOD, OTHER, SECRET

ENVIRONMENT = {
    "OIDC_GATE_ISSUER": "https://op.example.com",
    "OIDC_GATE_CLIENT_ID": "app",
    "OIDC_GATE_COOKIE_SECRET": SECRET,
}


def problems(environ: dict[str, str], **keywords: Any) -> list[Problem]:
    try:
        Settings.load(environ=environ, **keywords)
    except ConfigurationError as error:
        return list(error.problems)
    return []


def codes(environ: dict[str, str], **keywords: Any) -> list[tuple[str, str, str]]:
    return [(found.setting, found.code, found.source) for found in problems(environ, **keywords)]


def load(**variables: str) -> Settings:
    return Settings.load(
        environ=ENVIRONMENT | {f"OIDC_GATE_{key.upper()}": text for key, text in variables.items()}
    )


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    path = tmp_path / "gate.toml"
    path.write_text('client_id = "from toml"\nprefix = "/toml"\nauto_sign_in = true\n')
    return path


def test_keywords_over_environment_over_toml(toml: Path) -> None:
    environ = ENVIRONMENT | {"OIDC_GATE_CONFIG": str(toml), "OIDC_GATE_PREFIX": "/environ"}
    del environ["OIDC_GATE_CLIENT_ID"]
    settings = Settings.load(environ=environ, cookie_secret=OTHER)
    assert (settings.client_id, settings.prefix, settings.cookie_secret) == (
        "from toml",
        "/environ",
        (OTHER,),
    )
    assert settings.auto_sign_in is True
    assert Settings.load(environ=environ, prefix="/keyword").prefix == "/keyword"


def test_the_file_as_keyword_wins_over_the_variable(toml: Path) -> None:
    environ = ENVIRONMENT | {"OIDC_GATE_CONFIG": "/nowhere"}
    assert Settings.load(environ=environ, config=toml).prefix == "/toml"
    assert Settings.load(environ=ENVIRONMENT).prefix == "/oauth2"


def test_the_process_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OIDC_GATE_PREFIX", "/mine")
    assert Settings.load(**GOOD).prefix == "/mine"


def test_a_stronger_source_mends_a_weaker_one(toml: Path) -> None:
    toml.write_text('public_paths = "/a"\n')
    assert codes(ENVIRONMENT | {"OIDC_GATE_PUBLIC_PATHS": "/b"}, config=toml) == []
    assert codes(ENVIRONMENT | {"OIDC_GATE_DPOP": "maybe"}, dpop=True) == []


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        *[("dpop", text, True) for text in ("true", "1", "yes", "on", "TRUE", " On ")],
        *[("dpop", text, False) for text in ("false", "0", "no", "off", "False")],
        ("session_lifetime_seconds", "7200", 7200),
        ("max_age_seconds", " 0 ", 0),
        ("provider_timeout_seconds", "2.5", 2.5),
        ("provider_timeout_seconds", "2", 2.0),
        ("public_paths", "/a, GET /b/*", ("/a", "GET /b/*")),
        ("scopes", "openid email", ("openid", "email")),
        ("scopes", "openid,email", ("openid", "email")),
        ("allowed_groups", "site admins,staff", ("site admins", "staff")),
        ("allowed_groups", "site admins", ("site admins",)),
        ("groups_kept", " site admins ", ("site admins",)),
        ("acr_values", "a b", ("a", "b")),
        ("public_paths", "GET /a", ("GET /a",)),
        ("cookie_secret", f"{SECRET},{OTHER}", (SECRET, OTHER)),
        ("authorization_params", "hd=corp.com, a=b=c", {"hd": "corp.com", "a": "b=c"}),
        ("authorization_params", "hd=corp.com&claims=%7B%7D", {"hd": "corp.com", "claims": "{}"}),
        ("authorization_params", "hd=corp.com", {"hd": "corp.com"}),
        ("authorization_params", "claims=%7B%2C%7D", {"claims": "{,}"}),
        ("authorization_params", "a=b&c=d,e=f", {"a": "b", "c": "d,e=f"}),
        ("authorization_params", "a=,b= c ", {"a": "", "b": "c"}),
    ],
)
def test_text_becomes_a_value(name: str, text: str, value: object) -> None:
    assert getattr(load(**{name: text}), name) == value


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("dpop", "maybe", "not_boolean"),
        ("session_lifetime_seconds", "8h", "not_integer"),
        ("session_lifetime_seconds", "3600.0", "not_integer"),
        ("session_lifetime_seconds", "٣٦٠٠", "not_integer"),
        ("session_lifetime_seconds", "36__00", "not_integer"),
        ("provider_timeout_seconds", "5s", "not_number"),
        ("provider_timeout_seconds", "nan", "out_of_range"),
        ("authorization_params", "hd", "not_pairs"),
        ("authorization_params", "=x", "not_pairs"),
        ("authorization_params", "a=1, =x", "not_pairs"),
        ("authorization_params", "a=1,b", "not_pairs"),
        ("authorization_params", "a=1,", "not_pairs"),
        ("authorization_params", "a=1&=x", "not_pairs"),
        ("authorization_params", "a=%31&a=2", "not_pairs"),
        ("authorization_params", "a=1,a=2", "not_pairs"),
        ("authorization_params", "a=1&b", "not_pairs"),
        ("public_paths", "/a,,/b", "blank_item"),
        ("public_paths", "", "empty"),
        ("allowed_groups", "", "empty"),
        ("client_secret", " ", "empty"),
        ("issuer", "", "empty"),
    ],
)
def test_text_that_is_no_value(name: str, text: str, code: str) -> None:
    variable = f"OIDC_GATE_{name.upper()}"
    assert codes(ENVIRONMENT | {variable: text}) == [(name, code, variable)]


@pytest.mark.parametrize(
    ("line", "name", "code"),
    [
        ("client_id = 3", "client_id", "wrong_type"),
        ('dpop = "true"', "dpop", "wrong_type"),
        ("session_lifetime_seconds = 3600.0", "session_lifetime_seconds", "wrong_type"),
        ('session_lifetime_seconds = "3600"', "session_lifetime_seconds", "wrong_type"),
        ("provider_timeout_seconds = true", "provider_timeout_seconds", "wrong_type"),
        ('public_paths = "/a"', "public_paths", "wrong_type"),
        ("public_paths = [1]", "public_paths", "wrong_type"),
        ("authorization_params = { a = 1 }", "authorization_params", "wrong_type"),
        ("allowed_groups = []", "allowed_groups", "empty"),
        ("session_idle_seconds = 30000", "session_idle_seconds", "idle_over_lifetime"),
        ("clientid = 3", "clientid", "unknown"),
        ("[oidc_gate]", "oidc_gate", "unknown"),
    ],
)
def test_a_problem_in_the_file_names_file_and_key(tmp_path: Path, line: str, name: str, code: str) -> None:
    path = tmp_path / "gate.toml"
    path.write_text(line)
    keywords = {key: value for key, value in GOOD.items() if key != name}
    found = codes({}, config=path, **keywords)
    assert (name, code, f"{path}: {name}") in found
    assert all(code == "missing" for setting, code, _ in found if setting != name)


def test_toml_takes_native_types(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_text(
        f'cookie_secret = "{SECRET}"\nscopes = "openid email"\nprovider_timeout_seconds = 2\n'
        'public_paths = ["/a"]\n[authorization_params]\nhd = "corp.com"\n'
    )
    settings = Settings.load(environ={}, config=path, issuer="https://op.example.com", client_id="app")
    assert settings.cookie_secret == (SECRET,)
    assert settings.scopes == ("openid", "email")
    assert settings.authorization_params == {"hd": "corp.com"}
    assert settings.public_paths == ("/a",)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    broken, latin = tmp_path / "broken.toml", tmp_path / "latin.toml"
    broken.write_text("cookie_secret = hunter2\n")
    latin.write_bytes(b'client_id = "\xe4"\n')
    for path, code in [
        (tmp_path / "none.toml", "config_file"),
        (broken, "config_syntax"),
        (latin, "config_file"),
    ]:
        found = problems(ENVIRONMENT | {"OIDC_GATE_CONFIG": str(path)})
        assert [(each.setting, each.code) for each in found] == [("config", code)]
        assert "hunter2" not in str(found)
    assert [found.code for found in problems(ENVIRONMENT | {"OIDC_GATE_CONFIG": ""})] == ["config_file"]


@pytest.mark.parametrize("name", sorted(SECRETS - {"cookie_secret"}))
def test_a_secret_from_a_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"hunter2\r\n")
    environ = {
        key: text for key, text in ENVIRONMENT.items() if not key.startswith(f"OIDC_GATE_{name.upper()}")
    }
    variable = f"OIDC_GATE_{name.upper()}_FILE"
    if name == "client_secret":
        assert Settings.load(environ=environ | {variable: str(path)}).client_secret == "hunter2"
    else:
        code = "store_url" if name.endswith("_store") else "key_unknown"
        code = "metrics_token_short" if name == "metrics_token" else code
        assert codes(environ | {variable: str(path)}) == [(name, code, variable)]


def test_cookie_secrets_stand_one_a_line(tmp_path: Path) -> None:
    path = tmp_path / "secrets"
    path.write_text(f"{SECRET},with a comma\n{OTHER}\n")
    environ = {key: text for key, text in ENVIRONMENT.items() if "COOKIE" not in key}
    settings = Settings.load(environ=environ | {"OIDC_GATE_COOKIE_SECRET_FILE": str(path)})
    assert settings.cookie_secret == (f"{SECRET},with a comma", OTHER)


def test_a_secret_file_that_cannot_be_read(tmp_path: Path) -> None:
    empty, binary = tmp_path / "empty", tmp_path / "binary"
    empty.write_text("\n")
    binary.write_bytes(b"hunter2\xff")
    variable = "OIDC_GATE_CLIENT_SECRET_FILE"
    # people put the secret itself where its path belongs
    for path, code in [("hunter2", "secret_file"), (str(binary), "secret_file"), (str(empty), "empty")]:
        found = problems(ENVIRONMENT | {variable: path})
        assert [(each.setting, each.code, each.source) for each in found] == [
            ("client_secret", code, variable)
        ]
        assert "hunter2" not in str(found[0])


def test_a_secret_and_its_file_at_once(tmp_path: Path) -> None:
    environ = ENVIRONMENT | {"OIDC_GATE_COOKIE_SECRET_FILE": str(tmp_path / "secret")}
    (tmp_path / "secret").write_text(OTHER)
    assert codes(environ) == [("cookie_secret", "secret_twice", "OIDC_GATE_COOKIE_SECRET_FILE")]


def test_only_secrets_come_from_files(tmp_path: Path) -> None:
    (found,) = problems(ENVIRONMENT | {"OIDC_GATE_CLIENT_ID_FILE": "/run/id"})
    assert (found.setting, found.code) == ("client_id_file", "unknown")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("clientid", "write client_id, the nearest name"),
        ("Client_ID", "write client_id, the nearest name"),
        ("CLIENT_SECRET", "write client_secret, the nearest name"),
        ("public_path", "write public_paths, the nearest name"),
        ("oidc_issuer_url", "issuer"),
        ("upstreams", "wrap the application"),
        ("email_domains", "allowed_email_domains"),
        ("redirect_url", "public_url"),
        ("cookie_secure", "insecure_cookies"),
        ("cookie_expire", "session_lifetime_seconds"),
        ("skip_provider_button", "auto_sign_in"),
        ("skip_auth_routes", "public_paths"),
        ("whitelist_domains", "allowed_redirect_hosts"),
        ("reverse_proxy", "trusted_proxies"),
        ("set_xauthrequest", "identity_headers"),
        ("provider", "issuer"),
        ("client_secret_file", "OIDC_GATE_CLIENT_SECRET_FILE"),
        ("zzz", "oidc-gate explain settings.md"),
    ],
)
def test_an_unknown_name_says_what_is_meant(name: str, hint: str) -> None:
    (found,) = problems(ENVIRONMENT, **{name: "hunter2"})
    assert (found.setting, found.code, found.source) == (name, "unknown", "keyword")
    assert hint in found.fix
    assert "hunter2" not in str(found)
    if not name.endswith("_file") and name == name.lower():
        variable = f"OIDC_GATE_{name.upper()}"
        assert codes(ENVIRONMENT | {variable: "x"}) == [(name, "unknown", variable)]


AT_THE_TOP = "write the settings at the top of the file"
ONLY_VARIABLES = "only environment variables have the prefix OIDC_GATE_"


def test_an_unknown_variable_is_corrected_as_a_variable() -> None:
    (found,) = problems(ENVIRONMENT | {"OIDC_GATE_PUBLIC_PATH": "/x"})
    assert found.fix == "write OIDC_GATE_PUBLIC_PATHS, the nearest name"


@pytest.mark.parametrize(
    ("text", "name", "fix"),
    [
        ('[oidc_gate]\nprefix = "/x"\n', "oidc_gate", f"{AT_THE_TOP}, without the line [oidc_gate]"),
        ('OIDC_GATE_PREFIX = "/x"\n', "OIDC_GATE_PREFIX", f"write prefix: {ONLY_VARIABLES}"),
        (
            'OIDC_GATE_ZZZ = "/x"\n',
            "OIDC_GATE_ZZZ",
            "remove it; oidc-gate explain settings.md lists every setting",
        ),
    ],
)
def test_what_does_not_belong_into_a_file(text: str, name: str, fix: str, toml: Path) -> None:
    toml.write_text(text)
    (found,) = problems(ENVIRONMENT | {"OIDC_GATE_CONFIG": str(toml)})
    assert (found.setting, found.code, found.fix) == (name, "unknown", fix)
    assert '"/x"' not in str(found)


def test_foreign_names_are_not_ours() -> None:
    assert FOREIGN.keys().isdisjoint(Settings.__dataclass_fields__)


def test_a_variable_in_small_letters_is_not_a_setting() -> None:
    (found,) = problems(ENVIRONMENT | {"OIDC_GATE_prefix": "/x"})
    assert (found.code, found.fix) == ("unknown", "write it as OIDC_GATE_PREFIX")


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("OIDC_GATE_TEST_ANYTHING", "1"),
        ("OIDC_GATE_LOG_LEVEL", "debug"),
        ("OIDC_GATE_SERVICE_HOST", "10.0.0.1"),
        ("OIDC_GATE_SERVICE_PORT", "4180"),
        ("OIDC_GATE_SERVICE_PORT_HTTP", "4180"),
        ("OIDC_GATE_PORT", "tcp://10.0.0.1:4180"),
        ("OIDC_GATE_PORT_4180_TCP", "tcp://10.0.0.1:4180"),
        ("OIDC_GATE_PORT_4180_TCP_ADDR", "10.0.0.1"),
        ("OIDC_GATE_DEMO_PORT_80_TCP_PROTO", "tcp"),
        ("OTHER_ISSUER", "x"),
    ],
)
def test_variables_of_others(variable: str, text: str) -> None:
    assert codes(ENVIRONMENT | {variable: text}) == []


@pytest.mark.parametrize("variable", ["OIDC_GATE_PORT", "OIDC_GATE_TESTS", "OIDC_GATE_CONFIGS", "OIDC_GATE_"])
def test_variables_that_only_look_like_those(variable: str) -> None:
    assert [found.code for found in problems(ENVIRONMENT | {variable: "4180"})] == ["unknown"]


@pytest.mark.parametrize(
    ("variable", "code"),
    [
        ("OIDC_GATE_ISSUER", "url_scheme"),
        ("OIDC_GATE_PUBLIC_URL", "url_scheme"),
        ("OIDC_GATE_PREFIX", "prefix_malformed"),
    ],
)
def test_only_a_variable_with_the_name_of_a_port_is_one_of_kubernetes(variable: str, code: str) -> None:
    found = codes(ENVIRONMENT | {variable: "tcp://10.0.0.1:4180"})
    assert found == [(variable.removeprefix("OIDC_GATE_").lower(), code, variable)]


def test_none_counts_as_not_given_where_nothing_else_could_be_meant() -> None:
    settings = Settings.load(environ=ENVIRONMENT | {"OIDC_GATE_CLIENT_SECRET": "s"}, client_secret=None)
    assert settings.client_secret == "s"
    assert codes({}, issuer="https://op.example.com", client_id="a", cookie_secret=None) == [
        ("cookie_secret", "missing", "default")
    ]


@pytest.mark.parametrize("name", ["allowed_emails", "allowed_email_domains", "allowed_groups"])
def test_nobody_is_not_everybody(name: str) -> None:
    """`allowed_groups=os.environ.get("GROUPS")`, or an empty list, must not let everyone in."""
    assert codes(ENVIRONMENT, **{name: None}) == [(name, "wrong_type", "keyword")]
    assert codes(ENVIRONMENT, **{name: []}) == [(name, "empty", "keyword")]
    assert [found.code for found in problems(ENVIRONMENT | {f"OIDC_GATE_{name.upper()}": ""})] == ["empty"]


def test_other_lists_may_be_empty() -> None:
    assert codes(ENVIRONMENT, public_paths=[], trusted_proxies=()) == []


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_text("upstreams = 1\nauto_sign_in = 3\n")
    found = codes({"OIDC_GATE_CONFIG": str(path), "OIDC_GATE_ISSUER": "http://x.example"}, client_id=1, foo=2)
    assert found == [
        ("upstreams", "unknown", f"{path}: upstreams"),
        ("foo", "unknown", "keyword"),
        ("issuer", "url_http", "OIDC_GATE_ISSUER"),
        ("client_id", "wrong_type", "keyword"),
        ("cookie_secret", "missing", "default"),
        ("auto_sign_in", "wrong_type", f"{path}: auto_sign_in"),
    ]
