"""What can be wrong with settings, as data: the loader raises from this table, the doctor explains from it.

A `Fault` says which setting, what is wrong, what to write instead and where the value came from. It never
holds the value of a secret: `describe` is the only way to make one, and hides what `SECRETS` names.
"""

from __future__ import annotations

from typing import NamedTuple

SECRETS = frozenset({"client_secret", "cookie_secret", "client_private_key", "id_token_decryption_key"})
"""Settings whose value is never shown, and may come from a file named by ``OIDC_GATE_<NAME>_FILE``."""


class Fault(NamedTuple):
    """One thing that is wrong with the settings.

    Args:
        setting: Name of the setting, or of what was taken for one.
        code: Stable, a key of `KINDS`.
        what: What is wrong; never holds the value of a secret.
        instead: What to write.
        source: Where the value came from: ``keyword``, the name of an environment variable, a file and its
            key, or ``default``.
    """

    setting: str
    code: str
    what: str
    instead: str
    source: str

    def __str__(self) -> str:
        return f"{self.setting} ({self.source}): {self.what}; {self.instead} [{self.code}]"


class Kind(NamedTuple):
    """A way to be wrong: templates for `str.format`, filled with ``{setting}`` and what the check found."""

    what: str
    instead: str


def describe(setting: str, code: str, source: str, **details: object) -> Fault:
    """Make the fault `code` of `setting`.

    Args:
        setting: Name of the setting.
        code: A key of `KINDS`.
        source: Where the value came from.
        details: Fill the templates of `KINDS`. ``value`` is quoted and cut to 100 characters; it is hidden
            where the setting is a secret.
    """
    if "value" in details:
        details["value"] = "a secret" if setting in SECRETS else _shown(details["value"])
    kind = KINDS[code]
    filled = details | {"setting": setting}
    return Fault(setting, code, kind.what.format(**filled), kind.instead.format(**filled), source)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:97]}..."


KINDS: dict[str, Kind] = {
    # any setting
    "missing": Kind("is not set", "set {setting}, or OIDC_GATE_{variable}"),
    "empty": Kind("is set, and empty", "give it a value, or do not set it"),
    "unknown": Kind("is no setting", "{hint}"),
    "wrong_type": Kind("is {got}", "write {wanted}"),
    "not_boolean": Kind("{value} is neither true nor false", "write true or false"),
    "not_integer": Kind("{value} is no whole number", "write digits only, as {example}"),
    "not_number": Kind("{value} is no number", "write it as {example}"),
    "not_pairs": Kind("is no list of pairs", "write name=value,name2=value2"),
    "blank_item": Kind("an item of the list is empty", "remove it, or the comma too many"),
    "outer_space": Kind("begins or ends with white space or a line break", "remove it"),
    "control_character": Kind("holds a control character or a line break", "remove it"),
    "too_long": Kind("has {length} characters", "write at most {most}"),
    "out_of_range": Kind("{value} is out of range", "write a number from {low} to {high}"),
    "not_one_of": Kind("{value} is not known", "write one of {choices}{hint}"),
    # where settings come from
    "secret_twice": Kind("both {variable} and {variable}_FILE are set", "set one of them"),
    # without the path: people put the secret itself there
    "secret_file": Kind(
        "the file that it names cannot be read: {reason}", "correct the path or its permissions"
    ),
    "config_file": Kind("the file {path!r} cannot be read: {reason}", "correct the path or its permissions"),
    "config_syntax": Kind("the file {path!r} is no TOML: {reason}", "correct that line"),
    "file": Kind("the file {value} cannot be read: {reason}", "correct the path or its permissions"),
    "file_is_text": Kind("is the text of a file", "write it to a file, and give the path"),
    # addresses
    "url_malformed": Kind("{value} is no absolute URL", "write https://host/path, as a browser shows it"),
    "url_scheme": Kind("{value} is neither https nor http", "write a URL that begins with https://"),
    "url_http": Kind("{value} is http, and {host} is not this machine", "{hint}"),
    "url_userinfo": Kind("a user name or password stands in the URL", "cut everything up to the @"),
    "url_query": Kind("{value} has a query or a fragment", "cut it from the ? or # on"),
    "url_placeholder": Kind("{value} holds a placeholder", "put your own value in its place"),
    "url_path": Kind(
        "the path of {value} has characters or segments that are not safe", "use A-Z a-z 0-9 . _ ~ - and /"
    ),
    "host_malformed": Kind("{value} is no host name", "{hint}"),
    "host_too_wide": Kind(
        "{value} covers the hosts of strangers", "name the hosts, as app.example.com or *.example.com"
    ),
    "origin_malformed": Kind(
        "{value} is no origin", "write scheme and host alone, as https://app.example.com"
    ),
    # the provider
    "issuer_well_known": Kind(
        "the address of the discovery document is no issuer", "cut {tail}, so that {issuer} is left"
    ),
    "client_auth_needs": Kind(
        "{method} needs {needs}, which is not set", "set {needs}, or another client_auth"
    ),
    "unused": Kind("is set, and would not be used: {why}", "{hint}"),
    "needs": Kind("needs {needs} to be set as well", "set {needs}, or do not set {setting}"),
    "key_is_path": Kind(
        "is no key; it looks like the path of one", "set OIDC_GATE_{variable}_FILE to the path"
    ),
    "key_is_public": Kind("is a public key or a certificate", "give the private key that belongs to it"),
    "key_is_encrypted": Kind(
        "is a private key behind a passphrase", "decrypt it: openssl pkey -in key.pem -out plain.pem"
    ),
    "key_lost_lines": Kind(
        "has lost its line breaks", "set OIDC_GATE_{variable}_FILE to the path of the key"
    ),
    "secret_weak": Kind(
        "HS256 needs a client_secret of at least 32 octets (RFC 7518 §3.2)",
        "have the provider sign with ES256 or RS256",
    ),
    "key_unusable": Kind(
        "cannot be used: {reason}", "give a private key of RSA (2048 bits or more), EC or Ed25519"
    ),
    "key_unknown": Kind(
        "is no private key in PEM or JWK form", "begin with -----BEGIN PRIVATE KEY----- or {{"
    ),
    "scope_openid": Kind("does not contain openid, without which no ID token comes", "add openid"),
    "token_characters": Kind(
        "{value} has characters that do not belong there", "write one name an item, without space or quotes"
    ),
    "algorithm_none": Kind("none is no signature: anybody could write an ID token", "remove it"),
    "algorithm_unknown": Kind("{value} is not supported", "write some of {choices}"),
    "params_reserved": Kind("{name} is the gate's own", "remove it{hint}"),
    "fapi2": Kind("{what}, which fapi2 does not allow", "{hint}"),
    # where it is
    "backend_place": Kind(
        "a backend stands behind a proxy, and neither public_url nor trusted_proxies says how a browser reaches it",
        "set public_url to what the browser shows, as https://app.example.com",
    ),
    "prefix_malformed": Kind(
        "{value} is no path to put endpoints under",
        "write it as /oauth2: a leading /, no trailing one, A-Z a-z 0-9 . _ ~ -",
    ),
    "network_malformed": Kind("{value} is no address or network", "{hint}"),
    "network_everything": Kind(
        "{value} is everybody: every visitor could claim any host and address",
        "name the addresses of the proxies, as 10.0.0.0/8",
    ),
    "header_malformed": Kind("{value} is no header name", "write a name as X-Original-URI"),
    "header_same": Kind("{value} cannot carry both the path and the method", "name two headers"),
    # who may enter
    "path_no_slash": Kind("{value} does not begin with /", "write {wanted}"),
    "path_method": Kind("{value} does not begin with a method in capitals", "write a rule as GET /path"),
    "path_is_url": Kind("{value} is a URL", "write the path alone"),
    "path_query": Kind("{value} has a query or a fragment, which rules never see", "write the path alone"),
    "path_star": Kind(
        "{value} has a * that is not a whole last segment",
        "write /below/* for everything below, or list the paths",
    ),
    "path_pattern": Kind("{value} looks like a pattern; rules are plain paths", "write /exact or /below/*"),
    "path_never": Kind(
        "{value} has %, \\, ;, a space, an empty or a dot segment, and such a path is never public",
        "write the path decoded and in its plain form",
    ),
    "path_own": Kind("{value} is under the prefix {prefix}, where the gate decides by itself", "remove it"),
    "email_malformed": Kind("{value} is no e-mail address", "write it as ada@example.com"),
    "domain_malformed": Kind("{value} is no e-mail domain", "write it as {wanted}"),
    "domain_everyone": Kind("{value} is everybody", "set allow_everyone instead"),
    "everyone_and_some": Kind("says everybody, and {others} says not everybody", "remove one of them"),
    "world_wide": Kind(
        "anybody in the world can sign in at {host}, and nothing says who may enter",
        "set allowed_emails, allowed_email_domains or allowed_groups; or allow_everyone, if you mean it",
    ),
    "claim_path": Kind("{value} is no path to a claim", "write names joined by dots, as realm_access.roles"),
    # the session and its cookie
    "secret_short": Kind(
        "has {length} characters; fewer than 43 can be guessed",
        "run oidc-gate secret, and use what it prints",
    ),
    "secret_simple": Kind(
        "repeats so few characters that it can be guessed", "run oidc-gate secret, and use what it prints"
    ),
    "secret_example": Kind(
        "is an example, which everybody knows", "run oidc-gate secret, and use what it prints"
    ),
    "secret_repeated": Kind("the same secret stands there twice", "remove one"),
    "secret_shared": Kind(
        "is the client_secret too, which the provider knows", "run oidc-gate secret, and use what it prints"
    ),
    "idle_over_lifetime": Kind(
        "{value} is longer than session_lifetime_seconds ({lifetime})", "write at most {lifetime}"
    ),
    "cookie_name_malformed": Kind("{value} is no cookie name here", "use 1 to 40 of A-Z a-z 0-9 _ . -"),
    "cookie_name_prefixed": Kind("{value} begins with {prefix}, which the gate adds by itself", "cut it"),
    "cookie_domain_malformed": Kind("{value} is no domain that browsers take", "{hint}"),
    "cookie_domain_elsewhere": Kind(
        "{value} does not cover {host}, the host of public_url",
        "write {host} or a domain above it, or do not set it",
    ),
    "needs_secure": Kind("{value} makes cookies SameSite=None, which browsers drop on plain http", "{hint}"),
    "insecure_needless": Kind(
        "public_url is https, so that cookies can be Secure", "remove insecure_cookies"
    ),
    "store_missing": Kind("{scheme} is not available in this version", "write cookie"),
}
