"""What frameworks do by themselves: a session in a signed cookie, and who it says is signed in.

Each function returns two callables: one request to a trivial application as it is, and one to the same application
with the session. The session was written by the framework itself, with the claims that our gate keeps too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from io import BytesIO
from typing import Any

SECRET = "only-for-measuring-0123456789-0123456789-abc"
KEY = "user"
Call = Callable[[], object]
Pair = tuple[Call, Call]
OTHER_COOKIES = "theme=dark; _ga=GA1.1.1234567890.1234567890"


def plain_wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer every request alike."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]


async def plain_asgi(scope: Any, receive: Any, send: Any) -> None:
    """Answer every request alike."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


def ask_wsgi(
    app: Any, cookie: str | Callable[[], str], path: str = "/reports", accept: str = "text/html"
) -> Call:
    """Return one request to a WSGI application; with another cookie each time, if `cookie` gives one.

    Then the header is made for the request, as a server does that has just read it.
    """
    first, following = (cookie, None) if isinstance(cookie, str) else ("", cookie)
    environ = {
        "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": "month=5",
        "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1", "HTTP_ACCEPT": accept, "HTTP_USER_AGENT": "Mozilla/5.0",
        "HTTP_ACCEPT_LANGUAGE": "en", "HTTP_COOKIE": first, "wsgi.url_scheme": "http", "wsgi.input": BytesIO(),
        "wsgi.errors": None, "wsgi.version": (1, 0), "wsgi.multithread": True, "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }  # fmt: skip

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        answered.append((status, headers))

    def call() -> tuple[str, list[tuple[str, str]]]:
        answered.clear()
        made = environ.copy()
        if following is not None:
            made["HTTP_COOKIE"] = following()
        body = app(made, start_response)
        for _ in body:
            pass
        if hasattr(body, "close"):
            body.close()
        return answered[-1]

    answered: list[tuple[str, list[tuple[str, str]]]] = []
    return call


def ask_asgi(
    app: Any, cookie: str | Callable[[], str], path: str = "/reports", accept: str = "text/html"
) -> Call:
    """Return one request to an ASGI application that waits for nothing: no event loop is measured.

    Args:
        cookie: As for `ask_wsgi`.
    """
    following = None if isinstance(cookie, str) else cookie
    headers = [
        (b"host", b"127.0.0.1"), (b"accept", accept.encode()), (b"user-agent", b"Mozilla/5.0"),
        (b"accept-language", b"en"), (b"cookie", cookie.encode("latin-1") if isinstance(cookie, str) else b""),
    ]  # fmt: skip
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"month=5", "root_path": "",
        "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 80),
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answered.append((str(message["status"]), message["headers"]))

    def call() -> Any:
        answered.clear()
        made = headers.copy()
        if following is not None:
            made[-1] = (b"cookie", following().encode("latin-1"))
        return drive(app({**scope, "headers": made}, receive, send)) or answered[-1]

    answered: list[tuple[str, Any]] = []
    return call


def drive(waiting: Awaitable[Any]) -> Any:
    """Run a coroutine that never really waits."""
    try:
        waiting.send(None)  # type: ignore[attr-defined]
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits for something")


def starlette_sessions(claims: Mapping[str, Any]) -> Pair:
    """Starlette's SessionMiddleware, and AuthenticationMiddleware with a backend that reads the session."""
    from starlette.authentication import AuthCredentials, AuthenticationBackend, SimpleUser
    from starlette.middleware.authentication import AuthenticationMiddleware
    from starlette.middleware.sessions import SessionMiddleware

    class FromSession(AuthenticationBackend):
        async def authenticate(self, conn: Any) -> tuple[AuthCredentials, SimpleUser] | None:
            user = conn.session.get(KEY)
            return (AuthCredentials(["authenticated"]), SimpleUser(user["sub"])) if user else None

    async def signing_in(scope: Any, receive: Any, send: Any) -> None:
        scope["session"][KEY] = dict(claims)
        await plain_asgi(scope, receive, send)

    cookie = _given(ask_asgi(SessionMiddleware(signing_in, SECRET), ""))
    app = SessionMiddleware(AuthenticationMiddleware(plain_asgi, backend=FromSession()), SECRET)
    return ask_asgi(plain_asgi, cookie), ask_asgi(app, cookie)


def starsessions_cookie(claims: Mapping[str, Any]) -> Pair:
    """starsessions with its CookieStore, loaded on every request, and the same authentication."""
    from starsessions import CookieStore, SessionAutoloadMiddleware, SessionMiddleware

    async def signing_in(scope: Any, receive: Any, send: Any) -> None:
        scope["session"][KEY] = dict(claims)
        await plain_asgi(scope, receive, send)

    def around(app: Any) -> Any:
        return SessionMiddleware(
            SessionAutoloadMiddleware(app), store=CookieStore(SECRET), cookie_https_only=False, lifetime=28800
        )

    cookie = _given(ask_asgi(around(signing_in), ""))
    return ask_asgi(plain_asgi, cookie), ask_asgi(around(plain_asgi), cookie)


def flask_session(claims: Mapping[str, Any]) -> Pair:
    """Flask, where a view looks into the session; beside a view that does not, and a visitor without a cookie."""
    from flask import Flask, session

    app = Flask("bench")
    app.secret_key = SECRET

    @app.get("/in")
    def signing_in() -> str:
        session[KEY] = dict(claims)
        return "hello"

    @app.get("/reports")
    def reports() -> str:
        return "hello" if session[KEY]["sub"] else "nobody"

    @app.get("/plain")
    def plain() -> str:
        return "hello"

    cookie = _given(ask_wsgi(app, "", "/in"))
    return ask_wsgi(app, OTHER_COOKIES, "/plain"), ask_wsgi(app, cookie)


def authlib_flask(cookie_of: Callable[[Any], str], client: Mapping[str, Any]) -> Pair:
    """Authlib's Flask client as its documentation has it: the callback keeps the claims in Flask's session.

    Args:
        cookie_of: Serves an application, signs in there for real, and returns the cookies.
        client: `client_id`, `client_secret`, `server_metadata_url`.
    """
    from authlib.integrations.flask_client import OAuth
    from flask import Flask, redirect, session, url_for

    app = Flask("bench")
    app.secret_key = SECRET
    oauth = OAuth(app)
    oauth.register(
        "op",
        **client,
        client_kwargs={"scope": "openid email profile groups", "code_challenge_method": "S256"},
    )

    @app.get("/oauth2/start")
    def start() -> Any:
        return oauth.op.authorize_redirect(url_for("callback", _external=True))

    @app.get("/oauth2/callback")
    def callback() -> Any:
        session[KEY] = dict(oauth.op.authorize_access_token()["userinfo"])
        return redirect("/reports")

    @app.get("/reports")
    def reports() -> str:
        user = session.get(KEY)
        return "hello" if user else "nobody"

    @app.get("/plain")
    def plain() -> str:
        return "hello"

    cookie = f"{OTHER_COOKIES}; {cookie_of(app)}"
    return ask_wsgi(app, OTHER_COOKIES, "/plain"), ask_wsgi(app, cookie)


def django_session(claims: Mapping[str, Any]) -> Pair:
    """Django's session in a signed cookie and its AuthenticationMiddleware; no database is asked for the user."""
    from bench.peers.django_app import plain_application, session_application

    app = session_application(SECRET)
    cookie = _given(ask_wsgi(app, "", "/in"))
    return ask_wsgi(plain_application(), OTHER_COOKIES, "/plain"), ask_wsgi(app, cookie)


def _given(call: Call) -> str:
    """Return the ``Cookie`` header that a browser sends after an answer."""
    headers: list[tuple[Any, Any]] = call()[1]  # type: ignore[index]
    pairs = [
        (value if isinstance(value, str) else value.decode("latin-1")).partition(";")[0]
        for name, value in headers
        if (name if isinstance(name, str) else name.decode("latin-1")).lower() == "set-cookie"
    ]
    return "; ".join([OTHER_COOKIES, *pairs])
