"""Names of objects as people write them."""

from __future__ import annotations

import pytest

from laneway.model.names import ObjectName, find_name

WEB, OTHER = ObjectName("default", "web"), ObjectName("shop", "web")
CART = ObjectName("shop", "cart")


@pytest.mark.parametrize("name", [WEB, OTHER])
def test_the_short_form_is_read_as_the_name(name: ObjectName) -> None:
    assert ObjectName.of(name.short) == ObjectName.of(str(name)) == name


def test_only_names_of_the_default_namespace_are_short() -> None:
    assert (WEB.short, OTHER.short) == ("web", "shop/web")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("web", WEB),  # the default namespace comes first
        ("shop/web", OTHER),
        ("cart", CART),  # there is no other
        ("default/cart", None),
        ("nobody", None),
    ],
)
def test_a_name_alone_may_be_of_any_namespace(text: str, found: ObjectName | None) -> None:
    assert find_name(text, [WEB, OTHER, CART]) == found


def test_a_name_that_two_namespaces_have_means_neither() -> None:
    assert find_name("web", [OTHER, ObjectName("bank", "web")]) is None
