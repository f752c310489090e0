"""Everything that the provider can be told to do wrong, one thing at a time.

```python
with op.misbehaving(Fault.WRONG_NONCE):
    ...
op.misbehave(Fault.SERVER_ERROR, at="token", status=500, times=2)
op.behave()
```

Each member says what happens and, in brackets, the keywords that change it. `times=N`, which every
fault takes, returns to honesty after the fault was played N times.
"""

from __future__ import annotations

from enum import Enum, unique


@unique
class Fault(Enum):
    """Name one thing that the provider does wrong; the value says what."""

    # The ID token's claims
    WRONG_ISS = "iss is another issuer [iss]"
    MISSING_ISS = "no iss"
    MISSING_SUB = "no sub"
    MISSING_AUD = "no aud"
    MISSING_EXP = "no exp"
    MISSING_IAT = "no iat"
    WRONG_AUD = "aud is another client [aud]"
    SEVERAL_AUD_WITHOUT_AZP = "aud lists another client too, and no azp says who asked"
    UNTRUSTED_AUD = "aud lists another client too, azp is right [aud]"
    EMPTY_AUD = "aud is an empty list"
    WRONG_AZP = "azp is another client [azp]"
    WRONG_NONCE = "nonce is another one [nonce]"
    MISSING_NONCE = "no nonce although one was asked for"
    EXPIRED = "exp passed [seconds: how long ago, 3600]"
    NOT_YET_VALID = "nbf lies ahead [seconds: how far, 3600]"
    IAT_IN_FUTURE = "iat lies ahead, exp further still [seconds: how far, 3600]"
    IAT_LONG_AGO = "iat is long ago, exp still ahead [seconds: how long, 86400]"
    TIMES_ARE_TEXT = "exp and iat are strings"
    TIMES_ARE_FLOATS = "exp, iat and auth_time have fractions, which JWT allows: accept"
    AT_HASH_WRONG = "at_hash belongs to another access token"
    AUTH_TIME_OLD = "auth_time is long ago, whatever max_age asked [seconds: how long, 86400]"
    AUTH_TIME_MISSING = "no auth_time although max_age asked"
    ACR_OTHER = "acr is not what was asked [acr]"
    ACR_MISSING = "no acr although it was asked for"
    DIFFERENT_SUB_ON_REFRESH = "the refreshed ID token is about somebody else [sub]"
    DIFFERENT_ISS_ON_REFRESH = "the refreshed ID token has another iss [iss]"

    # How the ID token is signed and sealed
    ALG_NONE = "unsigned, alg none [alg: how it is spelled]"
    BAD_SIGNATURE = "a bit of the signature is flipped, in whatever alg the client has: RS256, ES256, HS256"
    EMPTY_SIGNATURE = "the alg is right, the signature is empty"
    OTHER_ALG = "rightly signed with an alg that the client did not register for [alg, RS256]"
    HS256_WITH_PUBLIC_KEY = "HS256 with the published public key, as PEM, for the secret"
    HS256_WITH_EMPTY_KEY = "HS256 with an empty key"
    SIGNED_BY_STRANGER = "signed with a key that is not ours under a kid that is"
    KID_ABSENT = "no kid, one key published: accept"
    KID_ABSENT_SEVERAL_KEYS = "no kid, several keys of the type published: accept by trying them, or refuse"
    UNKNOWN_KID = "a kid that no key has [kid; unique=True makes a new one each time]"
    JWK_HEADER = "signed with a stranger's key that the header brings along as jwk"
    JKU_HEADER = "signed with a stranger's key; jku says where to get it [jku]"
    X5U_HEADER = "signed with a stranger's key; x5u says where to get it [x5u]"
    UNKNOWN_CRIT = "a header that must be understood and cannot be [crit]"
    CRIT_B64 = "crit says b64, which is false (RFC 7797)"
    AT_HASH_UNKNOWN_ALG = "alg is a name that nobody knows, with an at_hash [alg]"
    RSA1_5_ENCRYPTED = "encrypted with RSA1_5"
    ZIP_BOMB = "a JWE with zip DEF that unfolds to megabytes [size: bytes, 64 MiB]"
    MEGABYTE_TOKEN = "a rightly signed token of a megabyte [size: bytes]"
    MEGABYTE_HEADER = "a rightly signed token whose header has a megabyte [size: bytes]"
    NOT_A_JWT = "not a JWT at all [text]"
    ACCESS_TOKEN_AS_ID_TOKEN = "a JWT access token (typ at+jwt) where the ID token goes"

    # Keys
    ROTATED_BEFORE_SIGNING = "keys were changed just before signing, old ones still published: accept"
    ROTATED_WITHOUT_OLD_KEYS = "keys were changed just before signing, old ones gone: accept"
    SAME_KID_NEW_KEY = "keys were changed just before signing, the kid stayed: accept after a refetch"
    ROTATED_UNPUBLISHED = "signed with a new key that is not in the JWKS"
    JWKS_WITH_UNREADABLE_KEY = "the JWKS lists unreadable keys before the good one: accept"
    JWKS_EMPTY = "the JWKS has no keys"
    JWKS_NOT_A_SET = "the JWKS is a list"
    JWKS_WITH_SECRET = "the JWKS lists an oct key; HS256 tokens are signed with it"

    # The token answer and userinfo
    NO_ID_TOKEN = "no id_token in the token answer"
    NO_ACCESS_TOKEN = "no access_token in the token answer"
    WRONG_TOKEN_TYPE = "token_type is something else [token_type]"
    TOKEN_ERROR = "the token endpoint refuses [error, invalid_grant; status, 400]"
    USERINFO_WRONG_SUB = "userinfo is about somebody else [sub]"
    USERINFO_MISSING_SUB = "userinfo does not say about whom"
    USERINFO_SIGNED = "userinfo is a JWT, rightly signed [alg]: accept"
    USERINFO_SIGNED_BADLY = "userinfo is a JWT with a broken signature [alg]"
    USERINFO_UNSIGNED_JWT = "userinfo is a JWT with alg none"
    USERINFO_SIGNED_WRONG_ISS = "userinfo is a JWT, rightly signed, of another issuer [iss]"
    USERINFO_SIGNED_WRONG_AUD = "userinfo is a JWT, rightly signed, for another client [aud]"

    # The authorization answer
    ANSWER_WITHOUT_ISS = "no iss in the authorization answer, although discovery promises it"
    ANSWER_WRONG_ISS = "iss of the authorization answer is another issuer [iss]"
    ANSWER_WITHOUT_STATE = "no state in the authorization answer"
    ANSWER_WRONG_STATE = "another state in the authorization answer [state]"
    ANSWER_WITHOUT_CODE = "neither code nor error in the authorization answer"
    ANSWER_REPEATED = "a parameter of the authorization answer comes twice [name, code; value]"
    ANSWER_CODE_AND_ERROR = "code and error together [error]"
    ANSWER_ERROR = "an error instead of a code [error, access_denied; description]"

    # Signing out
    END_SESSION_WITHOUT_STATE = "no state when coming back from signing out"
    END_SESSION_WRONG_STATE = "another state when coming back from signing out [state]"
    END_SESSION_OTHER_PARAMS = "further parameters when coming back from signing out: accept"
    LOGOUT_ALG_NONE = "the logout token is unsigned"
    LOGOUT_WRONG_ALG = "the logout token is signed with an alg that was not registered [alg]"
    LOGOUT_BAD_SIGNATURE = "a bit of the logout token's signature is flipped"
    LOGOUT_NO_EVENTS = "the logout token has no events"
    LOGOUT_WRONG_EVENT = "the logout token's events name another event [event]"
    LOGOUT_EVENT_NOT_OBJECT = "the logout token's event is true instead of an object"
    LOGOUT_WRONG_AUD = "the logout token is for another client [aud]"
    LOGOUT_WRONG_ISS = "the logout token is of another issuer [iss]"
    LOGOUT_WITH_NONCE = "the logout token has a nonce"
    LOGOUT_NO_IAT = "the logout token has no iat"
    LOGOUT_NO_JTI = "the logout token has no jti"
    LOGOUT_NO_EXP = "the logout token has no exp"
    LOGOUT_REPLAYED_JTI = "every logout token has the same jti: accept the first alone [jti]"
    LOGOUT_EXPIRED = "the logout token expired [seconds: how long ago, 3600]"
    LOGOUT_NEITHER_SUB_NOR_SID = "the logout token says neither who nor which session"
    LOGOUT_IS_ID_TOKEN = "an ID token where the logout token goes"

    # Discovery
    DISCOVERY_OTHER_ISSUER = "discovery names another issuer [issuer]"
    DISCOVERY_ISSUER_WITH_SLASH = "discovery names our issuer with a slash more"
    DISCOVERY_ONLY_NONE = "discovery lists none as the only signing alg"
    DISCOVERY_LISTS_NONE_TOO = "discovery lists none beside the others: accept, but no unsigned token"
    DISCOVERY_WITHOUT = "discovery lacks a member [name]"
    DISCOVERY_WITH = "discovery has a member changed [name, value]"

    # The network, at one endpoint [at: discovery, jwks, authorization, token, userinfo, end_session, par]
    REDIRECTS = "answers 307 to elsewhere [at; to; status]"
    HANGS = "never answers [at; seconds: gives up after, 60]"
    SLOW = "answers rightly, but late [at; seconds, 1]"
    DRIPS = "sends the right answer a byte at a time [at; seconds between bytes, 1]"
    HTML = "answers 200 with a page [at]"
    SERVER_ERROR = "answers 500 [at; status]"
    TOO_MANY_REQUESTS = "answers 429 with Retry-After [at; retry_after: seconds or a date, 7]"
    EMPTY_BODY = "answers 200 with nothing [at]"
    HUGE_BODY = "answers with very much [at; size: bytes, 50 MB]"
    ENDLESS_BODY = "answers without end and without a length [at]"
    NOT_JSON = "answers 200 with broken JSON [at]"
    JSON_LIST = "answers 200 with a JSON list [at]"
    DEEP_JSON = "answers 200 with JSON nested far too deep [at; depth]"
    DISCONNECTS = "closes the connection without a word [at]"
    TRUNCATED = "closes the connection in the middle of the answer [at]"
