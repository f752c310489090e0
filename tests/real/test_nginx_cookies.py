"""Which cookies reach the application behind the printed configuration of Nginx: all except those of the gate."""

from __future__ import annotations

import http.client
import json
import random
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import h2.config
import h2.connection
import h2.events
import pytest

from oidc_gate.syntax.cookie_names import PARTS
from tests.real.behind_nginx import echo_application
from tests.real.nginx import Nginx, nginx
from tools.proxy_files import printed

APP = {"PUBLIC_URL": "https://app.example.com"}
SECURE = APP | {"COOKIE_DOMAIN": "example.com", "COOKIE_NAME": "my.app-1"}
MAIN = "__Host-oidc_gate"
OWN = (MAIN, *(MAIN + part for part in PARTS))
ALIKE = (
    f"x{MAIN}", f"{MAIN}x", f"{MAIN}2", f"{MAIN}.bodyx", f"{MAIN}.body3", f"{MAIN}.flow8", f"{MAIN}.flow", f"{MAIN}.",
    f"{MAIN}_body", "oidc_gate", "__Secure-oidc_gate", MAIN.lower(), f"{MAIN}xbody", f"{MAIN}.flow00",
)  # fmt: skip


class Admits(BaseHTTPRequestHandler):
    """A gate that admits each request, and keeps the Cookie header that it was asked with."""

    protocol_version = "HTTP/1.1"
    asked_with: list[str]

    def do_GET(self) -> None:
        self.asked_with.append("; ".join(self.headers.get_all("Cookie", [])))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


class House:
    def __init__(self, fronts: dict[str, Nginx], asked_with: list[str]) -> None:
        self.fronts, self.asked_with = fronts, asked_with

    def received(self, *lines: str, front: str = "plain") -> str:
        """Return the Cookie header that the application gets; empty if it gets none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.fronts[front].ports[8000], timeout=60)
        with closing(connection):
            connection.putrequest("GET", "/page")
            for line in lines:
                connection.putheader("Cookie", line)
            connection.endheaders()
            response = connection.getresponse()
            body = response.read()
        assert response.status == 200, body
        return cookie_in(body)


def cookie_in(body: bytes) -> str:
    values = [value for name, value in json.loads(body)["headers"] if name.lower() == "cookie"]
    assert len(values) < 2
    return "".join(values)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    directory = tmp_path_factory.mktemp("cookies")
    with ExitStack() as stack:
        app = stack.enter_context(echo_application(directory))
        kept: list[str] = []
        gate = ThreadingHTTPServer(("127.0.0.1", 0), type("Gate", (Admits,), {"asked_with": kept}))
        thread = threading.Thread(target=gate.serve_forever)
        thread.start()
        stack.callback(thread.join)
        stack.callback(gate.shutdown)
        texts = {
            "plain": printed(APP, "nginx", "--plain-port", "8000"),
            "tls": printed(APP, "nginx").replace("listen 443 ssl;", "listen 443 ssl http2;"),
            "secure": printed(SECURE, "nginx", "--plain-port", "8000"),
        }
        fronts = {}
        for name, text in texts.items():
            (directory / name).mkdir()
            upstreams: dict[int | str, int] = {4180: gate.server_port, 8080: app.port}
            fronts[name] = stack.enter_context(nginx(text, directory=directory / name, upstreams=upstreams))
        yield House(fronts, kept)
        gate.server_close()


@pytest.mark.parametrize("name", OWN)
def test_no_cookie_of_the_gate_arrives(house: House, name: str) -> None:
    assert house.received(f"{name}=v") == ""
    assert house.asked_with[-1] == f"{name}=v"
    assert house.received(f"a=1; {name}=v") == "a=1; "
    assert house.received(f"{name}=v; b=2") == "b=2"
    assert house.received(f"a=1; {name}=v; b=2") == "a=1; b=2"
    assert house.received(f"a=1; {name}=; b=2; {name}=w=x==") == "a=1; b=2; "
    assert house.received(f"a=1;{name}=v;b=2; {name} =v;  {name}=v") == "a=1;b=2; "
    assert house.received(f"a=1;; {name}=v;;b=2") == "a=1;; ;b=2"


@pytest.mark.parametrize("name", ALIKE)
def test_a_cookie_whose_name_is_alike_arrives(house: House, name: str) -> None:
    assert house.received(f"{name}=1") == f"{name}=1"
    assert house.received(f"{MAIN}=v; {name}=1; {MAIN}.body=w") == f"{name}=1; "


@pytest.mark.parametrize(
    "cookie",
    ['theme="dark"', 'theme="dark, blue"', "a", "=", f"={MAIN}=v", f"a={MAIN}=v", f"a={MAIN}", MAIN, f'"{MAIN}=v"',
     "caf\xe9=1", r"a=\x41{2}$1$http_cookie", "a=1,b=2"]
)  # fmt: skip
def test_other_values_arrive_unchanged(house: House, cookie: str) -> None:
    assert house.received(cookie) == cookie
    assert house.received(f"{MAIN}=v; {cookie}; {MAIN}.flow0=w; z=1") == f"{cookie}; z=1"


def test_all_of_them_in_turn_with_others(house: House) -> None:
    pairs = [f"a{at}=1; {name}=v{at}" for at, name in enumerate(OWN)]
    others = "; ".join(f"a{at}=1" for at in range(len(OWN)))
    assert house.received("; ".join(pairs) + "; z=1") == f"{others}; z=1"
    assert house.received("; ".join(f"{name}=v" for name in OWN)) == ""


def test_any_order(house: House) -> None:
    dice = random.Random(7)
    for _ in range(200):
        own = [f"{name}={'v' * dice.randrange(30)}" for name in OWN if dice.random() < 0.6]
        others = [f"{name}=1" for name in (*ALIKE, "a", "b") if dice.random() < 0.4]
        mixed = [*own, *others]
        dice.shuffle(mixed)
        arrived = house.received("; ".join(mixed)).removesuffix("; ")
        assert arrived == "; ".join(each for each in mixed if each in others), mixed


def test_several_lines(house: House) -> None:
    assert house.received("a=1", f"{MAIN}=v", "b=2", f"{MAIN}.body=w; c=3") == "a=1; b=2; c=3"
    assert house.received(f"{MAIN}=v", f"{MAIN}.flow3=v") == ""


def test_a_name_and_a_prefix_of_the_settings(house: House) -> None:
    name = "__Secure-my.app-1"
    cookies = f"a=1; {name}=v; {name}.body2=v; __Secure-myxapp-1=2; {MAIN}=3"
    assert house.received(cookies, front="secure") == f"a=1; __Secure-myxapp-1=2; {MAIN}=3"


def test_there_is_room_for_a_session_with_many_groups(house: House) -> None:
    """As large as the gate makes its cookies, among others that fill the lines that Nginx takes."""
    own = [f"{MAIN}={'m' * 2000}", f"{MAIN}.body={'b' * 2000}", f"{MAIN}.body2={'c' * 2000}"]
    own += [f"{MAIN}.flow{slot}={'f' * 91}" for slot in range(8)]
    others = [f"other{at}={'o' * 700}" for at in range(len(own))]
    mixed = [each for pair in zip(others, own, strict=True) for each in pair]
    assert house.received("; ".join(mixed)).removesuffix("; ") == "; ".join(others)
    lines = ["; ".join(mixed), "; ".join(f"n{at}=1" for at in range(1500)), ";" * 15_000]
    arrived = house.received(*lines)
    assert arrived.startswith("; ".join(others) + "; n0=1; ")
    assert arrived.endswith("n1499=1; " + ";" * 15_000)


def test_http_2_sends_each_cookie_in_a_field_of_its_own(house: House) -> None:
    front = house.fronts["tls"]
    context = ssl.create_default_context(cafile=str(front.prefix / "tls.crt"))
    context.check_hostname = False
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection(("127.0.0.1", front.ports[443]), timeout=60) as plain,
        context.wrap_socket(plain, server_hostname="app.example.com") as wire,
    ):
        assert wire.selected_alpn_protocol() == "h2"
        assert _over_h2(wire, "a=1", f"{MAIN}=v", "b=2", f"{MAIN}.body=w", f"{MAIN}.flow0=x", "c=3") == (
            "a=1; b=2; c=3"
        )


def _over_h2(wire: ssl.SSLSocket, *cookies: str) -> str:
    connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    connection.initiate_connection()
    head = [(":method", "GET"), (":scheme", "https"), (":authority", "app.example.com"), (":path", "/page")]
    connection.send_headers(1, [*head, *(("cookie", each) for each in cookies)], end_stream=True)
    wire.sendall(connection.data_to_send())
    body = b""
    while True:
        for event in connection.receive_data(wire.recv(65_536)):
            if isinstance(event, h2.events.DataReceived):
                body += event.data
                connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                return cookie_in(body)
        wire.sendall(connection.data_to_send())
