"""The texts are Envoy 1.40's own."""

from __future__ import annotations

from laneway.adapters.xds.protocol.rejections import attribute

NO_EDS = "cannot create an EDS cluster without an EDS config"


def test_clusters_are_named_one_after_the_other() -> None:
    error = f"Error adding/updating cluster(s) bad: {NO_EDS}, bad2: {NO_EDS}"
    assert attribute(("good", "bad", "bad2"), error) == {
        "bad": f"bad: {NO_EDS}",
        "bad2": f"bad2: {NO_EDS}",
    }


def test_listeners_are_named_one_a_line() -> None:
    error = (
        "Error adding/updating listener(s) l3: cannot bind '127.0.0.1:80': Address already in use\n"
        "l1: error adding listener: no filter chains specified\n"
    )
    assert attribute(("l1", "l2", "l3"), error) == {
        "l3": "l3: cannot bind '127.0.0.1:80': Address already in use",
        "l1": "l1: error adding listener: no filter chains specified",
    }


def test_a_name_inside_another_or_inside_the_reason_is_not_blamed() -> None:
    error = "Error adding/updating cluster(s) outbound|80||b: Cluster a: no such, see b"
    assert attribute(("a", "b", "outbound|80||b"), error).keys() == {"outbound|80||b"}


def test_names_are_not_patterns() -> None:
    error = "Error adding/updating cluster(s) a|b.*: no"
    assert attribute(("a|b.*", "a", "b"), error).keys() == {"a|b.*"}


def test_one_alone_is_to_blame_whatever_the_text() -> None:
    error = "Proto constraint validation failed (ClusterValidationError.Name)"
    assert attribute(("a",), error) == {"a": error}


def test_otherwise_it_cannot_be_told() -> None:
    error = 'Only unique names for virtual hosts are permitted. Duplicate vhost "a"'
    assert attribute(("a", "b"), error) == {}
    assert attribute((), error) == {}
