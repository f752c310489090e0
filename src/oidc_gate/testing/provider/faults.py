"""The ways in which the provider can misbehave, one at a time.

```python
with op.misbehaving(Fault.WRONG_NONCE):
    ...
op.misbehave(Fault.SERVER_ERROR, at="token", status=500, times=2)
op.behave()
```

The value of each member says what happens and, in brackets, which keywords change it. Every fault also takes
`times=N`, after which the provider behaves correctly again.
"""

from __future__ import annotations

from enum import Enum, unique


@unique
class Fault(Enum):
    """One way in which the provider misbehaves. The value describes it."""

    # The ID token's claims
    WRONG_ISS = "iss is another issuer [iss]"
    MISSING_ISS = "no iss"
    MISSING_SUB = "no sub"
    MISSING_AUD = "no aud"
    MISSING_EXP = "no exp"
    MISSING_IAT = "no iat"
    WRONG_AUD = "aud is another client [aud]"
    SEVERAL_AUD_WITHOUT_AZP = "aud lists another client too, and there is no azp"
    UNTRUSTED_AUD = "aud lists another client too, azp is right [aud]"
    EMPTY_AUD = "aud is an empty list"
    WRONG_AZP = "azp is another client [azp]"
    WRONG_NONCE = "nonce is another one [nonce]"
    MISSING_NONCE = "no nonce, although one was sent"
    EXPIRED = "exp is in the past [seconds: how long ago, 3600]"
    NOT_YET_VALID = "nbf is in the future [seconds: how far, 3600]"
    IAT_IN_FUTURE = "iat is in the future, and exp is later still [seconds: how far, 3600]"
    IAT_LONG_AGO = "iat is long ago, and exp is in the future [seconds: how long, 86400]"
    TIMES_ARE_TEXT = "exp and iat are strings"
    TIMES_ARE_FLOATS = "exp, iat and auth_time have fractions, which JWT allows: accept"
    AT_HASH_WRONG = "at_hash belongs to another access token"
    AUTH_TIME_OLD = "auth_time is long ago, whatever max_age is [seconds: how long, 86400]"
    AUTH_TIME_MISSING = "no auth_time, although max_age was requested"
    ACR_OTHER = "acr is not one of the requested values [acr]"
    ACR_MISSING = "no acr, although it was requested"
    DIFFERENT_SUB_ON_REFRESH = "the refreshed ID token has another sub [sub]"
    DIFFERENT_ISS_ON_REFRESH = "the refreshed ID token has another iss [iss]"

    # The signature and encryption of the ID token
    ALG_NONE = "unsigned, alg none [alg: how it is spelled]"
    BAD_SIGNATURE = "a bit of the signature is flipped, in the alg of the client: RS256, ES256 or HS256"
    EMPTY_SIGNATURE = "the alg is right, the signature is empty"
    OTHER_ALG = "signed correctly with an alg that the client did not register [alg, RS256]"
    HS256_WITH_PUBLIC_KEY = "HS256 with the published public key, as PEM, for the secret"
    HS256_WITH_EMPTY_KEY = "HS256 with an empty key"
    SIGNED_BY_STRANGER = "signed with a foreign key under the kid of a published one"
    KID_ABSENT = "no kid, one key published: accept"
    KID_ABSENT_SEVERAL_KEYS = "no kid, several keys of the type published: accept by trying them, or refuse"
    UNKNOWN_KID = "a kid that no key has [kid; unique=True makes a new one each time]"
    JWK_HEADER = "signed with a foreign key, which the header contains as jwk"
    JKU_HEADER = "signed with a foreign key; jku names its URL [jku]"
    X5U_HEADER = "signed with a foreign key; x5u names its URL [x5u]"
    UNKNOWN_CRIT = "a critical header parameter that is not supported [crit]"
    CRIT_B64 = "crit lists b64, which is false (RFC 7797)"
    AT_HASH_UNKNOWN_ALG = "alg is an unknown name, with an at_hash [alg]"
    RSA1_5_ENCRYPTED = "encrypted with RSA1_5"
    ZIP_BOMB = "a JWE with zip DEF that expands to megabytes [size: bytes, 64 MiB]"
    MEGABYTE_TOKEN = "a correctly signed token of a megabyte [size: bytes]"
    MEGABYTE_HEADER = "a correctly signed token whose header has a megabyte [size: bytes]"
    NOT_A_JWT = "not a JWT at all [text]"
    ACCESS_TOKEN_AS_ID_TOKEN = "a JWT access token (typ at+jwt) instead of the ID token"

    # Keys
    ROTATED_BEFORE_SIGNING = "keys were changed just before signing, old ones still published: accept"
    ROTATED_WITHOUT_OLD_KEYS = "keys were changed just before signing, old ones gone: accept"
    SAME_KID_NEW_KEY = "keys were changed just before signing, the kid stayed: accept after a refetch"
    ROTATED_UNPUBLISHED = "signed with a new key that is not in the JWKS"
    JWKS_WITH_UNREADABLE_KEY = "the JWKS lists unreadable keys before the good one: accept"
    JWKS_EMPTY = "the JWKS has no keys"
    JWKS_NOT_A_SET = "the JWKS is a list"
    JWKS_WITH_SECRET = "the JWKS lists an oct key; HS256 tokens are signed with it"

    # The token response and userinfo
    NO_ID_TOKEN = "no id_token in the token response"
    NO_ACCESS_TOKEN = "no access_token in the token response"
    WRONG_TOKEN_TYPE = "token_type is something else [token_type]"
    TOKEN_ERROR = "the token endpoint refuses [error, invalid_grant; status, 400]"
    USERINFO_WRONG_SUB = "userinfo has another sub [sub]"
    USERINFO_MISSING_SUB = "userinfo has no sub"
    USERINFO_SIGNED = "userinfo is a correctly signed JWT [alg]: accept"
    USERINFO_SIGNED_BADLY = "userinfo is a JWT with a broken signature [alg]"
    USERINFO_UNSIGNED_JWT = "userinfo is a JWT with alg none"
    USERINFO_SIGNED_WRONG_ISS = "userinfo is a correctly signed JWT of another issuer [iss]"
    USERINFO_SIGNED_WRONG_AUD = "userinfo is a correctly signed JWT for another client [aud]"

    # The authorization response
    ANSWER_WITHOUT_ISS = "no iss in the authorization response, although discovery promises it"
    ANSWER_WRONG_ISS = "iss of the authorization response is another issuer [iss]"
    ANSWER_WITHOUT_STATE = "no state in the authorization response"
    ANSWER_WRONG_STATE = "another state in the authorization response [state]"
    ANSWER_WITHOUT_CODE = "neither code nor error in the authorization response"
    ANSWER_REPEATED = "a parameter of the authorization response is repeated [name, code; value]"
    ANSWER_CODE_AND_ERROR = "code and error together [error]"
    ANSWER_ERROR = "an error instead of a code [error, access_denied; description]"

    # Sign-out
    END_SESSION_WITHOUT_STATE = "no state in the redirect after sign-out"
    END_SESSION_WRONG_STATE = "another state in the redirect after sign-out [state]"
    END_SESSION_OTHER_PARAMS = "further parameters in the redirect after sign-out: accept"
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
    LOGOUT_REPLAYED_JTI = "every logout token has the same jti: accept only the first one [jti]"
    LOGOUT_EXPIRED = "the logout token has expired [seconds: how long ago, 3600]"
    LOGOUT_NEITHER_SUB_NOR_SID = "the logout token has neither sub nor sid"
    LOGOUT_IS_ID_TOKEN = "an ID token instead of the logout token"

    # Discovery
    DISCOVERY_OTHER_ISSUER = "discovery names another issuer [issuer]"
    DISCOVERY_ISSUER_WITH_SLASH = "discovery names the issuer with an additional slash"
    DISCOVERY_ONLY_NONE = "discovery lists none as the only signing alg"
    DISCOVERY_LISTS_NONE_TOO = "discovery lists none in addition to the others: accept, but no unsigned token"
    DISCOVERY_WITHOUT = "discovery lacks a member [name]"
    DISCOVERY_WITH = "discovery has a member changed [name, value]"

    # The network, at one endpoint [at: discovery, jwks, authorization, token, userinfo, end_session, par]
    REDIRECTS = "answers 307 with another location [at; to; status]"
    HANGS = "never answers [at; seconds: gives up after, 60]"
    SLOW = "answers correctly, but late [at; seconds, 1]"
    DRIPS = "sends the correct answer a byte at a time [at; seconds between bytes, 1]"
    HTML = "answers 200 with a page [at]"
    SERVER_ERROR = "answers 500 [at; status]"
    TOO_MANY_REQUESTS = "answers 429 with Retry-After [at; retry_after: seconds or a date, 7]"
    EMPTY_BODY = "answers 200 with nothing [at]"
    HUGE_BODY = "answers with a very long body [at; size: bytes, 50 MB]"
    ENDLESS_BODY = "answers with an endless body and no length [at]"
    NOT_JSON = "answers 200 with broken JSON [at]"
    JSON_LIST = "answers 200 with a JSON list [at]"
    DEEP_JSON = "answers 200 with JSON nested far too deep [at; depth]"
    DISCONNECTS = "closes the connection without an answer [at]"
    TRUNCATED = "closes the connection in the middle of the answer [at]"
