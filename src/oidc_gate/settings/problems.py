"""Every possible problem of the settings, as data.

A `Problem` consists of the setting, what is wrong, how to fix it, and the source of the value. It never contains the
value of a secret: only `describe_problem` creates problems, and it hides the values of `SECRETS`.
"""

from __future__ import annotations

from typing import NamedTuple

from .schema import SECRETS

MAX_SHOWN = 100


class Problem(NamedTuple):
    """One thing that is wrong with the settings.

    Attributes:
        setting: The name of the setting, or an unknown name.
        code: The stable name of the kind of problem, a key of `TEMPLATES`.
        what: What is wrong. It never contains the value of a secret.
        fix: What to write instead.
        source: Where the value came from: ``keyword``, the name of an environment variable, a file and its key,
            or ``default``.
    """

    setting: str
    code: str
    what: str
    fix: str
    source: str

    def __str__(self) -> str:
        return f"{self.setting} ({self.source}): {self.what}. Fix: {self.fix}. [{self.code}]"


class Template(NamedTuple):
    """The texts of a kind of problem, for `str.format`. They contain ``{setting}`` and details of the check."""

    what: str
    fix: str


def describe_problem(setting: str, code: str, source: str, **details: object) -> Problem:
    """Return the problem `code` of `setting`.

    Args:
        setting: Name of the setting.
        code: A key of `TEMPLATES`.
        source: Where the value came from.
        details: The values of the placeholders. ``value`` is quoted and cut to `MAX_SHOWN` characters, and hidden if
            the setting is a secret.
    """
    if "value" in details:
        details["value"] = "a secret" if setting in SECRETS else _shown(details["value"])
    template = TEMPLATES[code]
    filled = details | {"setting": setting}
    return Problem(setting, code, template.what.format(**filled), template.fix.format(**filled), source)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."


_MAKE_SECRET = "run oidc-gate secret, and use what it prints"

TEMPLATES: dict[str, Template] = {
    # any setting
    "missing": Template("is not set", "set {setting}, or OIDC_GATE_{variable}"),
    "empty": Template("is set but empty", "give it a value, or do not set it"),
    "unknown": Template("is not a setting", "{hint}"),
    "wrong_type": Template("is {got}", "write {expected}"),
    "not_boolean": Template("{value} is neither true nor false", "write true or false"),
    "not_integer": Template("{value} is not a whole number", "write digits only, such as {example}"),
    "not_number": Template("{value} is not a number", "write a number such as {example}"),
    "not_pairs": Template("is not a list of pairs", "write name=value,name2=value2"),
    "blank_item": Template("an item of the list is empty", "remove it, or the extra comma"),
    "outer_space": Template("begins or ends with white space or a line break", "remove it"),
    "control_character": Template("contains a control character or a line break", "remove it"),
    "too_long": Template("has {length} characters", "write at most {most}"),
    "out_of_range": Template("{value} is out of range", "write a number from {low} to {high}"),
    "not_one_of": Template("{value} is not one of the choices", "write one of {choices}{hint}"),
    # where settings come from
    "secret_twice": Template("both {variable} and {variable}_FILE are set", "remove one of them"),
    # without the path: operators put the secret itself there
    "secret_file": Template(
        "the file that it names cannot be read: {reason}", "correct the path or the file's permissions"
    ),
    "config_file": Template(
        "the file {path!r} cannot be read: {reason}", "correct the path or the file's permissions"
    ),
    "config_syntax": Template("the file {path!r} is not valid TOML: {reason}", "correct that line"),
    "file": Template(
        "the file {value} cannot be read: {reason}", "correct the path or the file's permissions"
    ),
    "file_is_text": Template(
        "is the content of a file", "write the content to a file, and set this to its path"
    ),
    # URLs
    "url_malformed": Template(
        "{value} is not an absolute URL", "write https://host/path, as the browser shows it"
    ),
    "url_host": Template(
        "browsers cannot read the host of {value}",
        "write it as the browser shows it; a name that ends in a number must be an IPv4 address, and a label that "
        "begins with xn-- must be valid Punycode",
    ),
    "url_scheme": Template("{value} is neither https nor http", "write a URL that begins with https://"),
    "url_http": Template("{value} is http, and {host} is not this machine", "{hint}"),
    "url_userinfo": Template("the URL contains a user name or a password", "remove everything up to the @"),
    "url_query": Template("{value} has a query or a fragment", "remove everything from the ? or # on"),
    "url_port": Template(
        "the port of {value} is not a number from 1 to 65535",
        "correct it, or leave it out if it is the default of the scheme",
    ),
    "url_endpoint": Template(
        "{value} ends in {tail}, which is below the URL of the application",
        "write {url}; the redirect URI is then {redirect_uri}, and prefix changes its path",
    ),
    "after_sign_out_endpoint": Template(
        "{value} is below {prefix}, where the endpoints of the gate are",
        "write the address of a page of your own, or do not set it",
    ),
    "url_placeholder": Template("{value} contains a placeholder", "put your own value in its place"),
    "url_path": Template(
        "the path of {value} contains characters or segments that are not safe",
        "use A-Z a-z 0-9 . _ ~ - and /",
    ),
    "host_malformed": Template("{value} is not a host name", "{hint}"),
    "host_too_wide": Template(
        "{value} covers hosts that are not yours", "name the hosts, as app.example.com or *.example.com"
    ),
    "origin_malformed": Template(
        "{value} is not an origin", "write scheme and host alone, such as https://app.example.com"
    ),
    # the provider
    "issuer_well_known": Template(
        "this is the URL of the discovery document, not the issuer", "remove {tail}, which leaves {issuer}"
    ),
    "issuer_endpoint": Template(
        "this is the URL of an endpoint of the provider, not the issuer",
        "remove {tail}, which leaves {issuer}",
    ),
    "issuer_entra": Template(
        "{value} is not the issuer of any token of Entra ID, which names the tenant by its ID",
        "write {issuer}, where <tenant ID> is the Directory (tenant) ID of the app registration; personal accounts "
        "have the tenant ID 9188040d-6c67-4c5b-b112-36a304b66dad",
    ),
    "client_auth_needs": Template(
        "{method} needs {needs}, which is not set", "set {needs}, or choose another client_auth"
    ),
    "unused": Template("is set but would not be used: {why}", "{hint}"),
    "needs": Template("needs {needs} to be set too", "set {needs}, or do not set {setting}"),
    "needs_store": Template(
        "needs sessions that are in a store, and session_store is cookie",
        'set session_store = "sqlite:///var/lib/app/sessions.db" or a Redis URL, or remove {setting}',
    ),
    "key_is_path": Template(
        "is not a key; it looks like the path of one", "set OIDC_GATE_{variable}_FILE to the path"
    ),
    "key_is_public": Template("is a public key or a certificate", "give the private key that belongs to it"),
    "key_is_encrypted": Template(
        "is a private key with a passphrase", "decrypt it: openssl pkey -in key.pem -out plain.pem"
    ),
    "key_lost_lines": Template(
        "has lost its line breaks", "set OIDC_GATE_{variable}_FILE to the path of the key"
    ),
    "secret_weak": Template(
        "HS256 needs a client_secret of at least 32 octets (RFC 7518 §3.2)",
        "configure the provider to sign with ES256 or RS256",
    ),
    "key_unusable": Template(
        "cannot be used: {reason}", "give a private key of type RSA (2048 bits or more), EC or Ed25519"
    ),
    "key_unknown": Template(
        "is not a private key in PEM or JWK form", "begin with -----BEGIN PRIVATE KEY----- or {{"
    ),
    "scope_openid": Template("does not contain openid, which an ID token needs", "add openid"),
    "token_characters": Template(
        "{value} contains characters that are not allowed there",
        "write one name for each item, without spaces, commas or quotes",
    ),
    "algorithm_none": Template("none is not a signature: anyone could write an ID token", "remove it"),
    "algorithm_unknown": Template("{value} is not supported", "write some of {choices}"),
    "algorithm_not_listed": Template(
        "{value} is not in id_token_algorithms", "add it there, or remove id_token_algorithms"
    ),
    "params_reserved": Template("{name} is set by the gate itself", "remove it{hint}"),
    "fapi2": Template("{what}, which fapi2 does not allow", "{hint}"),
    # URLs and proxies
    "backend_place": Template(
        "the gate runs behind a proxy, and neither public_url nor trusted_proxies says how browsers reach it",
        "set public_url to what the browser shows, such as https://app.example.com",
    ),
    "prefix_malformed": Template(
        "{value} is not a path that endpoints can be below",
        "write a path such as /oauth2: a leading /, no trailing /, and only A-Z a-z 0-9 . _ ~ -",
    ),
    "prefix_endpoint": Template(
        "{value} ends in /callback, which is below the prefix",
        "write {prefix}; the redirect URI then ends in {value}",
    ),
    "network_malformed": Template("{value} is not an IP address or a network", "{hint}"),
    "network_everything": Template(
        "{value} covers every address: any client could claim any host and address",
        "name the addresses of the proxies, such as 10.0.0.0/8",
    ),
    "header_malformed": Template("{value} is not a header name", "write a name such as X-Original-URI"),
    "header_same": Template("{value} cannot carry both the path and the method", "name two headers"),
    # access
    "path_no_slash": Template("{value} does not begin with /", "write {expected}"),
    "path_method": Template(
        "{value} does not begin with a method in capital letters", "write a rule such as GET /path"
    ),
    "path_is_url": Template("{value} is a URL", "write the path alone"),
    "path_query": Template(
        "{value} has a query or a fragment, which rules never see", "write the path alone"
    ),
    "path_star": Template(
        "{value} has a * that is not a whole last segment",
        "write /below/* for everything below, or list the paths",
    ),
    "path_pattern": Template(
        "{value} looks like a pattern, and rules are plain paths", "write /exact or /below/*"
    ),
    "path_never": Template(
        "{value} contains %, \\, ;, a space, an empty segment or a dot segment, and such a path is never public",
        "write the path decoded and in its plain form",
    ),
    "path_own": Template(
        "{value} is below the prefix {prefix}, where the gate's own endpoints are", "remove it"
    ),
    "email_malformed": Template(
        "{value} is not an e-mail address", "write an address such as ada@example.com"
    ),
    "domain_malformed": Template("{value} is not an e-mail domain", "write {expected}"),
    "domain_everyone": Template("{value} covers every domain", "set allow_everyone instead"),
    "everyone_and_some": Template(
        "admits every user, and {others} admits some users only", "remove one of them"
    ),
    "world_wide": Template(
        "anyone in the world can sign in at {host}, and no setting says who may enter",
        "set allowed_emails, allowed_email_domains or allowed_groups; or allow_everyone, if that is intended",
    ),
    "claim_path": Template(
        "{value} is not the path of a claim", "write names joined by dots, such as realm_access.roles"
    ),
    # the session and its cookie
    "secret_short": Template("has {length} characters; fewer than 43 can be guessed", _MAKE_SECRET),
    "secret_simple": Template("repeats so few characters that it can be guessed", _MAKE_SECRET),
    "secret_example": Template("is an example from documentation, so it is known", _MAKE_SECRET),
    "secret_repeated": Template("the list contains the same secret twice", "remove one"),
    "secret_shared": Template("is the same as client_secret, which the provider knows", _MAKE_SECRET),
    "idle_over_lifetime": Template(
        "{value} is longer than session_lifetime_seconds ({lifetime})", "write at most {lifetime}"
    ),
    "cookie_name_malformed": Template(
        "{value} is not a possible cookie name", "use 1 to 40 of the characters A-Z a-z 0-9 _ . -"
    ),
    "cookie_name_prefixed": Template("{value} begins with {prefix}, which the gate adds itself", "remove it"),
    "cookie_domain_malformed": Template("{value} is not a domain that browsers accept for cookies", "{hint}"),
    "cookie_domain_elsewhere": Template(
        "{value} does not cover {host}, the host of public_url",
        "write {host} or a domain above it, or do not set it",
    ),
    "needs_secure": Template(
        "{value} makes cookies SameSite=None, which browsers reject on plain http", "{hint}"
    ),
    "insecure_needless": Template(
        "public_url is https, so cookies can have Secure", "remove insecure_cookies"
    ),
    "store_url": Template("{what}", "{instead}"),
    "metrics_token_short": Template("has {length} characters; fewer than 20 can be guessed", _MAKE_SECRET),
    "metrics_token_characters": Template(
        "contains characters that no bearer token may have", "use A-Z a-z 0-9 . _ ~ + / - only"
    ),
    "metrics_token_shared": Template(
        "is the same as another secret, which the monitoring would then know", _MAKE_SECRET
    ),
    "metrics_extra": Template("needs prometheus-client", "run pip install 'oidc_gate[metrics]'"),
    "metrics_directory_alone": Template(
        "is set, but nothing is counted without metrics_token", "set metrics_token, or remove it"
    ),
    "metrics_directory_unsafe": Template(
        "{value} cannot be used: {reason}", "name a directory that only the user of the gate can write into"
    ),
}
