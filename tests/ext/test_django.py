from __future__ import annotations

import asyncio
import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.http import HttpRequest, JsonResponse
from django.urls import path
from werkzeug.test import Client as WSGIClient

import oidc_gate
from oidc_gate.model import Identity
from oidc_gate.testing import settings_for_tests, signed_in

SETTINGS = settings_for_tests(public_paths=["/open/*"], allowed_groups=["staff"])
STAFF = ["staff"]
PAGE = {"Accept": "text/html"}

urlpatterns: list[Any] = []


@pytest.fixture(scope="module", autouse=True)
def views(project: None) -> None:
    from django.contrib.auth.decorators import login_required

    from oidc_gate.ext.django import require

    def me(request: Any) -> JsonResponse:
        user, identity = request.user, request.identity
        told = {"user": user.get_username(), "email": getattr(user, "email", ""), "full": str(user)}
        return JsonResponse(
            told | {"identity": identity.email if identity else None, "is": user.is_authenticated}
        )

    async def ame(request: Any) -> JsonResponse:
        user = await request.auser()
        return JsonResponse({"user": user.get_username(), "identity": request.identity.email})

    @require(group="admins")
    def admins(request: HttpRequest) -> JsonResponse:
        return JsonResponse({"admins": True})

    @require()
    async def mine(request: HttpRequest) -> JsonResponse:
        return JsonResponse({"mine": True})

    @login_required
    def members(request: HttpRequest) -> JsonResponse:
        return JsonResponse({"members": True})

    urlpatterns[:] = [
        path("open/members", members),
        *(path(at, me) for at in ("me", "open/me")),
        path("ame", ame),
        path("admins", admins),
        path("open/mine", mine),
    ]


@pytest.fixture
def users() -> Iterator[Any]:
    from django.contrib.auth.models import User

    User.objects.all().delete()  # another module of tests may have left some
    yield User.objects
    User.objects.all().delete()


@pytest.fixture(scope="module")
def app(project: None) -> Any:
    from django.core.wsgi import get_wsgi_application

    return oidc_gate.OIDCGate(get_wsgi_application(), SETTINGS)


@pytest.fixture(scope="module")
def asgi_app(project: None) -> Any:
    from django.core.asgi import get_asgi_application

    return oidc_gate.OIDCGate(get_asgi_application(), SETTINGS)


def test_a_user_is_made_at_the_first_visit_and_found_at_the_next(app: Any, users: Any) -> None:
    with signed_in(app, subject="u-1", email="alice@example.com", name="Alice van Example", groups=STAFF):
        first, again = (WSGIClient(app).get("/me").json for _ in range(2))
    assert first == again
    assert first is not None
    assert first["email"] == first["identity"] == "alice@example.com"
    user = users.get()
    assert (user.username, user.first_name, user.last_name) == (first["user"], "Alice", "van Example")
    assert not user.has_usable_password()
    user.full_clean()


def test_nobody_is_made_who_is_not_asked_for(app: Any, users: Any) -> None:
    with signed_in(app, subject="u-1", groups=["staff", "admins"]):
        assert WSGIClient(app).get("/admins").json == {"admins": True}
    assert users.count() == 0


def test_name_and_email_are_kept_in_step(app: Any, users: Any) -> None:
    with signed_in(app, subject="u-1", email="alice@example.com", name="Alice Example", groups=STAFF):
        WSGIClient(app).get("/me")
    with signed_in(app, subject="u-1", email="alice@new.example", groups=STAFF, name="A\0nna Neu"):
        WSGIClient(app).get("/me")
    user = users.get()
    assert (user.email, user.first_name, user.last_name) == ("alice@new.example", "Anna", "Neu")


def test_the_person_is_issuer_and_subject_and_never_the_email(app: Any, users: Any) -> None:
    from oidc_gate.ext.django import OIDCGateBackend

    local = users.create_user("alice@example.com", email="alice@example.com")
    for issuer, subject in (("https://a", "1"), ("https://b", "1"), ("https://a", "2"), ("https://a", "1")):
        identity = Identity(issuer, subject, email="alice@example.com", email_verified=True)
        assert OIDCGateBackend().authenticate(None, identity=identity) != local
    assert users.filter(username__startswith="oidc-").count() == 3
    assert all(len(name) == 69 for name in users.exclude(pk=local.pk).values_list("username", flat=True))


def test_an_unverified_email_is_not_kept(app: Any, users: Any) -> None:
    with signed_in(app, subject="u-1", email="boss@example.com", email_verified=False, groups=STAFF):
        WSGIClient(app).get("/me")
    assert users.get().email == ""


def test_a_name_that_somebody_registered_before_is_not_handed_over(
    app: Any, users: Any, caplog: pytest.LogCaptureFixture
) -> None:
    from oidc_gate.ext.django import OIDCGateBackend

    key = OIDCGateBackend().natural_key(Identity(SETTINGS.issuer, "u-1"))
    planted = users.create_user(**key, password="planted")
    with signed_in(app, subject="u-1", groups=STAFF):
        told = WSGIClient(app).get("/me").json
    assert told is not None
    assert (told["user"], told["is"]) == ("", False)
    refusal = f"user {planted.pk} has a password, so it may belong to another person: refused"
    assert refusal in [record.getMessage() for record in caplog.records]


def test_somebody_inactive_is_nobody_to_django(app: Any, users: Any) -> None:
    with signed_in(app, subject="u-1", groups=STAFF):
        WSGIClient(app).get("/me")
        users.update(is_active=False)
        told = WSGIClient(app).get("/me").json
    assert told is not None
    assert told["is"] is False


def test_a_user_whom_the_rules_refuse_is_no_user_on_a_public_path(app: Any, users: Any) -> None:
    client = WSGIClient(app)
    with signed_in(app, subject="eve", email="eve@evil.example", groups=["guests"]):
        told = client.get("/open/me").json
        assert client.get("/open/mine").status_code == 401
        assert client.get("/open/members").status_code == 302  # Django's own way to LOGIN_URL
        denied = client.get("/open/mine", headers=PAGE)
    assert told is not None
    assert (told["user"], told["identity"], told["is"]) == ("", None, False)
    assert (denied.status_code, "You do not have access" in denied.text) == (403, True)
    assert users.count() == 0
    with signed_in(app, subject="alice", groups=STAFF):
        assert client.get("/open/members").status_code == 200
    assert users.count() == 1


def test_a_user_whom_the_rules_refuse_is_no_user_over_asgi(asgi_app: Any, users: Any) -> None:
    async def ask(at: str, **headers: str) -> Any:
        transport = httpx.ASGITransport(asgi_app)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            return await client.get(at, headers=headers)

    with signed_in(asgi_app, subject="eve", email="eve@evil.example", groups=["guests"]):
        told = asyncio.run(ask("/open/me")).json()
        assert (told["user"], told["identity"], told["is"]) == ("", None, False)
        assert asyncio.run(ask("/open/members")).status_code == 302
        assert asyncio.run(ask("/open/mine", **PAGE)).status_code == 403
    assert users.count() == 0


def test_no_password_signs_in_here(users: Any) -> None:
    from django.contrib.auth import authenticate

    users.create_user("local", password="right")
    assert authenticate(username="local", password="right") is None


def test_djangos_own_client_goes_through_the_gate(app: Any, users: Any) -> None:
    from django.test import Client

    client = Client()
    with signed_in(app, subject="u-1", email="a@example.com", groups=STAFF):
        assert client.get("/me").json()["identity"] == "a@example.com"
        assert client.get("/admins").status_code == 403
        assert client.get("/oauth2/userinfo").json()["sub"] == "u-1"
        client.cookies["theme"] = "dark"
        assert client.get("/me").wsgi_request.COOKIES == {"theme": "dark"}
    with signed_in(app, groups=["guests"]):
        refused = client.get("/me", headers={"accept": "text/html"})
        assert refused.status_code == 403
        assert b"/oauth2/start?prompt=select_account" in refused.content
    assert client.get("/me").json()["identity"] is None  # Django alone, as everywhere outside


def test_djangos_async_client_goes_through_the_gate(asgi_app: Any, users: Any) -> None:
    from django.test import AsyncClient

    async def ask(at: str) -> Any:
        return await AsyncClient().get(at)

    with signed_in(asgi_app, subject="u-1", email="a@example.com", groups=STAFF):
        told = asyncio.run(ask("/ame")).json()
        assert (told["identity"], told["user"]) == ("a@example.com", users.get().username)
        assert asyncio.run(ask("/open/mine")).json() == {"mine": True}
    with signed_in(asgi_app, groups=["guests"]):
        assert asyncio.run(ask("/ame")).status_code == 403


def test_over_asgi(asgi_app: Any, users: Any) -> None:
    async def ask(at: str) -> Any:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(asgi_app), base_url="http://app"
        ) as client:
            return (
                await client.get(at, headers={"oidc_gate.identity": "x", "Oidc-Gate-Identity": "x"})
            ).json()

    with signed_in(asgi_app, subject="u-1", email="a@example.com", groups=STAFF):
        assert asyncio.run(ask("/ame"))["identity"] == "a@example.com"
        assert asyncio.run(ask("/me"))["identity"] == "a@example.com"
    told = asyncio.run(ask("/open/me"))
    assert (told["identity"], told["is"]) == (None, False)


def test_its_401_on_a_public_path_is_the_sign_in(app: Any) -> None:
    answer = WSGIClient(app).get("/open/mine?x=1", headers={"Accept": "text/html"})
    assert answer.status_code == 401
    assert "/oauth2/start?rd=/open/mine%3Fx%3D1" in answer.text


def test_the_documents_name_what_is_there() -> None:
    import oidc_gate.ext.django as module

    assert Path(module.__file__ or "").name == "django.py"
    assert all(name in (module.__doc__ or "") for name in ("OIDCGateMiddleware", "OIDCGateBackend"))


@pytest.fixture(scope="module")
def by_email(project: None) -> Iterator[Any]:
    """Give a user model whose user name is the e-mail address, with fields of its own for the identity."""
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.db import connection, models

    class ByEmail(AbstractBaseUser):
        email = models.EmailField(unique=True)
        issuer = models.CharField(max_length=200)
        subject = models.CharField(max_length=200)
        objects = models.Manager()
        USERNAME_FIELD = "email"

        class Meta:
            app_label = "auth"

    with connection.schema_editor() as editor:
        editor.create_model(ByEmail)
    yield ByEmail
    with connection.schema_editor() as editor:
        editor.delete_model(ByEmail)


@pytest.fixture
def accounts(by_email: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr("oidc_gate.ext.django.get_user_model", lambda: by_email)
    yield by_email.objects
    by_email.objects.all().delete()


def person(subject: str, email: str) -> Identity:
    return Identity("https://op.example", subject, email=email, email_verified=bool(email))


def test_oidc_gate_2026_11_the_user_name_is_the_email_says_what_to_write(accounts: Any) -> None:
    from django.core.exceptions import ImproperlyConfigured

    from oidc_gate.ext.django import OIDCGateBackend, OIDCGateMiddleware

    with pytest.raises(ImproperlyConfigured, match="return both from natural_key"):
        OIDCGateMiddleware(lambda request: None)
    with pytest.raises(ImproperlyConfigured, match="USERNAME_FIELD of ByEmail is 'email'"):
        OIDCGateBackend().authenticate(None, identity=person("u-1", "a@example.com"))
    assert accounts.count() == 0


def test_oidc_gate_2026_11_a_unique_email_is_never_an_error_and_never_a_takeover(
    accounts: Any, caplog: pytest.LogCaptureFixture
) -> None:
    from oidc_gate.ext.django import OIDCGateBackend

    class Backend(OIDCGateBackend):
        def natural_key(self, identity: Identity) -> dict[str, Any]:
            return {"issuer": identity.issuer, "subject": identity.subject}

    def visit(subject: str, email: str) -> Any:
        return Backend().authenticate(None, identity=person(subject, email))

    local = accounts.create(email="local@example.com", password="of a local account")
    first = visit("u-1", "a@example.com")
    assert visit("u-1", "a@example.com") == first, "the second request finds the same user"
    for subject, email in [("u-2", "local@example.com"), ("u-3", "a@example.com")]:
        assert visit(subject, email) is None
        assert f"no user is made for subject '{subject}'" in caplog.text
    assert visit("u-1", "local@example.com") == first, "the address changes to one that is taken"
    assert (first.pk, accounts.get(pk=first.pk).email) != (local.pk, "local@example.com")
    assert "keeps its old values" in caplog.text
    assert visit("u-1", "new@example.com").email == "new@example.com"
    assert accounts.count() == 2


IDENTITY = Identity(
    "https://op.example", "ada", email="ada@corp.com", email_verified=True, name="Ada King Byron"
)


def test_whole_refusals(project: None) -> None:
    from django.core.exceptions import PermissionDenied
    from django.http import HttpResponse
    from django.test import RequestFactory

    from oidc_gate.ext.django import current_identity, require

    def view(request: HttpRequest, number: int, *, word: str) -> HttpResponse:
        return HttpResponse(f"{number} {word}")

    async def aview(request: HttpRequest, number: int, *, word: str) -> HttpResponse:
        return HttpResponse(f"{number} {word}")

    staff, astaff = require(group="staff")(view), require(group="staff")(aview)
    assert (staff.__name__, astaff.__name__) == ("view", "aview")
    request: Any = RequestFactory().get("/")
    assert current_identity(request) is None
    for answer in (staff(request, 1, word="a"), asyncio.run(astaff(request, 1, word="a"))):
        assert (answer.status_code, answer.content) == (401, b"Sign in to continue.")
        assert dict(answer.headers) == {"Content-Type": "text/plain", "WWW-Authenticate": "Bearer"}
    request.META["oidc_gate.identity"] = "ada"
    assert current_identity(request) is None, "it is not one of the gate's"
    request.META["oidc_gate.identity"] = IDENTITY
    assert current_identity(request) is IDENTITY
    with pytest.raises(PermissionDenied, match="You are signed in, but you may not do this"):
        staff(request, 1, word="a")
    with pytest.raises(PermissionDenied):
        asyncio.run(astaff(request, 1, word="a"))
    request.META["oidc_gate.identity"] = dataclasses.replace(IDENTITY, groups=("staff",))
    assert staff(request, 1, word="a").content == b"1 a"
    assert asyncio.run(astaff(request, 2, word="b")).content == b"2 b"


@pytest.mark.parametrize(
    ("changes", "first", "last", "email"),
    [
        ({}, "Ada", "King Byron", "ada@corp.com"),
        ({"name": "Ada"}, "Ada", "", "ada@corp.com"),
        ({"name": ""}, "", "", "ada@corp.com"),
        ({"claims": {"given_name": "A", "family_name": "B"}}, "A", "B", "ada@corp.com"),
        ({"claims": {"given_name": "A"}}, "Ada", "King Byron", "ada@corp.com"),
        ({"claims": {"given_name": "A", "family_name": 3}}, "Ada", "King Byron", "ada@corp.com"),
        ({"claims": {"given_name": 3, "family_name": "B"}}, "Ada", "King Byron", "ada@corp.com"),
        ({"name": "a" * 151 + " " + "b" * 151}, "a" * 150, "b" * 150, "ada@corp.com"),
        ({"name": "A\x00d\x7fa\x85 \ud800B"}, "Ada", "B", "ada@corp.com"),
        ({"email": "a" * 254}, "Ada", "King Byron", "a" * 254),
        ({"email": "a" * 255}, "Ada", "King Byron", ""),
        ({"email_verified": False}, "Ada", "King Byron", ""),
    ],
)
def test_what_is_written_about_a_user(
    users: Any, changes: dict[str, Any], first: str, last: str, email: str
) -> None:
    from oidc_gate.ext.django import OIDCGateBackend

    identity = dataclasses.replace(IDENTITY, **changes)
    expected = {"first_name": first, "last_name": last, "email": email}
    assert OIDCGateBackend().details(users.model(), identity) == expected
    user = OIDCGateBackend().authenticate(None, identity=identity)
    assert {name: getattr(users.get(), name) for name in expected} == expected
    assert user == users.get()


def test_an_unverified_email_is_kept_by_a_backend_that_says_so(users: Any) -> None:
    from oidc_gate.ext.django import OIDCGateBackend

    class Trusting(OIDCGateBackend):
        takes_unverified_email = True

    identity = dataclasses.replace(IDENTITY, email_verified=False)
    assert Trusting().details(users.model(), identity)["email"] == "ada@corp.com"
    assert OIDCGateBackend().authenticate(None) is None
    assert users.count() == 0


def test_only_what_has_changed_is_written(users: Any, caplog: pytest.LogCaptureFixture) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from oidc_gate.ext.django import OIDCGateBackend

    backend = OIDCGateBackend()
    backend.authenticate(None, identity=IDENTITY)
    with CaptureQueriesContext(connection) as queries:
        backend.authenticate(None, identity=IDENTITY)
        backend.authenticate(None, identity=dataclasses.replace(IDENTITY, email="ada@new.example"))
    updates = [query["sql"] for query in queries if query["sql"].startswith("UPDATE")]
    assert len(updates) == 1
    assert '"email"' in updates[0]
    assert '"first_name"' not in updates[0]
    assert users.get().email == "ada@new.example"
    assert [record for record in caplog.records if record.name == "oidc_gate.django"] == []


def test_the_user_name_follows_from_issuer_and_subject(users: Any) -> None:
    from oidc_gate.ext.django import OIDCGateBackend

    pair = hashlib.sha256(b"https://op.example\0ada").hexdigest()
    assert OIDCGateBackend().natural_key(IDENTITY) == {"username": f"oidc-{pair}"}
    odd = dataclasses.replace(IDENTITY, subject="\ud800")
    assert OIDCGateBackend().natural_key(odd) != OIDCGateBackend().natural_key(IDENTITY)
