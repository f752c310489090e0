"""What is read from the fields of the settings."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType

import pytest

from oidc_gate.settings.constraints import Range, Trait
from oidc_gate.settings.fields import Fields
from oidc_gate.settings.schema import SCHEMA, SECRETS, Kind, Setting, _setting

NONE = frozenset[Trait]()
ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
    "HS256",
)
EXPECTED = [
    Setting("issuer", Kind.TEXT, "", True, False, (), None, None, NONE),
    Setting("client_secret", Kind.TEXT, None, False, True, (), None, None, frozenset({Trait.SECRET})),
    Setting("cookie_secret", Kind.LIST, (), True, False, (), None, None, frozenset({Trait.SECRET})),
    Setting("application_name", Kind.TEXT, "", False, False, (), None, 100, NONE),
    Setting("cookie_samesite", Kind.TEXT, "Lax", False, False, ("Lax", "Strict", "None"), None, None, NONE),
    Setting("max_age_seconds", Kind.INTEGER, None, False, True, (), Range(0, 31_536_000), None, NONE),
    Setting("provider_timeout_seconds", Kind.NUMBER, 5.0, False, False, (), Range(0.5, 60), None, NONE),
    Setting("keep_id_token", Kind.BOOLEAN, None, False, True, (), None, None, NONE),
    Setting("dpop", Kind.BOOLEAN, False, False, False, (), None, None, NONE),
    Setting("authorization_params", Kind.PAIRS, MappingProxyType({}), False, False, (), None, None, NONE),
    Setting("id_token_algorithms", Kind.LIST, ALGORITHMS[:-1], False, False, ALGORITHMS, None, None, NONE),
    Setting("id_token_signed_response_alg", Kind.TEXT, None, False, True, ALGORITHMS, None, None, NONE),
    Setting("acr_values", Kind.LIST, (), False, False, (), None, None, frozenset({Trait.SPACE_SEPARATED})),
]
FIELDS = {field.name: field for field in dataclasses.fields(Fields)}


@pytest.mark.parametrize("setting", EXPECTED, ids=lambda setting: setting.name)
def test_one_setting_of_each_form(setting: Setting) -> None:
    assert _setting(FIELDS[setting.name]) == SCHEMA[setting.name] == setting
    assert setting.variable == f"OIDC_GATE_{setting.name.upper()}"


def test_every_setting_is_read_from_its_field() -> None:
    assert {name: _setting(field) for name, field in FIELDS.items()} == dict(SCHEMA)
    assert {
        *("client_secret", "client_private_key", "cookie_secret", "id_token_decryption_key", "metrics_token"),
        *("session_store", "revocation_store"),
    } == SECRETS


@pytest.mark.parametrize(
    ("trait", "names"),
    [
        (
            Trait.SECRET,
            "client_secret cookie_secret client_private_key id_token_decryption_key session_store revocation_store "
            "metrics_token",
        ),
        (Trait.KEY, "client_private_key id_token_decryption_key"),
        (Trait.FILE, "client_certificate client_certificate_key ca_file"),
        (
            Trait.NOT_EMPTY,
            "allowed_redirect_hosts allowed_origins allowed_emails allowed_email_domains allowed_groups",
        ),
        (Trait.SPACE_SEPARATED, "scopes acr_values"),
    ],
    ids=lambda value: value.name if isinstance(value, Trait) else "",
)
def test_the_settings_of_each_trait(trait: Trait, names: str) -> None:
    assert [name for name, setting in SCHEMA.items() if trait in setting.traits] == names.split()


def test_the_kinds_by_their_names_in_the_documentation() -> None:
    names = ("text", "list", "pairs", "whole number", "number", "true or false")
    assert tuple(kind.value for kind in Kind) == names
