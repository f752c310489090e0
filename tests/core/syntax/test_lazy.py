"""A property that is computed once."""

from __future__ import annotations

from oidc_gate.syntax.lazy import lazy


class Counted:
    calls = 0

    @lazy
    def value(self) -> list[int]:
        """Return something new."""
        self.calls += 1
        return [self.calls]


def test_a_lazy_property_is_computed_once_for_each_object() -> None:
    one, other = Counted(), Counted()
    first = one.value
    assert first == [1]
    assert one.value is first
    assert one.__dict__["value"] is first
    assert one.calls == 1
    assert other.value is not first


def test_a_lazy_property_of_the_class_is_itself() -> None:
    found = Counted.value
    assert isinstance(found, lazy)
    assert found is Counted.__dict__["value"]
    assert found.__doc__ == "Return something new."
