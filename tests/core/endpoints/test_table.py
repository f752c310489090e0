"""Every endpoint with its methods, and with what is done with the session before it answers."""

from __future__ import annotations

from oidc_gate.endpoints.table import ENDPOINTS

READS = ("GET", "HEAD")


def test_the_table_as_a_whole() -> None:
    found = {name: (endpoint.methods, endpoint.session.name) for name, endpoint in ENDPOINTS.items()}
    assert found == {
        "auth": ((), "VERDICT"),
        "forward": ((), "VERDICT"),
        "sign_in": (READS, "READ"),
        "start": (("GET",), "READ"),
        "callback": (("GET", "POST"), "READ"),
        "userinfo": (READS, "FRESH"),
        "sign_out": (("GET", "POST"), "READ"),
        "signed_out": (READS, "READ"),
        "unavailable": (READS, "NONE"),
        "backchannel_logout": (("POST",), "NONE"),
        "frontchannel_logout": (("GET",), "READ"),
        "ping": (READS, "NONE"),
        "ready": (READS, "NONE"),
        "metrics": (READS, "NONE"),
        "static": (READS, "NONE"),
    }


def test_each_name_is_that_of_its_module() -> None:
    modules = {name: endpoint.answer.__module__.rpartition(".")[2] for name, endpoint in ENDPOINTS.items()}
    assert modules == {name: name for name in ENDPOINTS}
