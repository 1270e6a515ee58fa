"""Who sends a request, as the API server's front proxy says it."""

from __future__ import annotations

import pytest

from laneway.apiserver.failures import Failure
from laneway.apiserver.front_proxy import (
    ClusterUser,
    NoFrontProxy,
    check_certificate,
    front_proxy,
    user_of,
)

#: As kubeadm sets it up.
DATA = {
    "client-ca-file": "another CA, for users' own certificates",
    "requestheader-client-ca-file": "-----BEGIN CERTIFICATE-----",
    "requestheader-allowed-names": '["front-proxy-client"]',
    "requestheader-username-headers": '["X-Remote-User"]',
    "requestheader-uid-headers": '["X-Remote-Uid"]',
    "requestheader-group-headers": '["X-Remote-Group"]',
    "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
}
PROXY = front_proxy(DATA)


def named(*headers: tuple[str, str]) -> ClusterUser:
    return user_of(PROXY, [(name.encode(), value.encode()) for name, value in headers])


def test_the_user_is_named_with_groups_uid_and_extra() -> None:
    user = named(
        ("x-remote-user", "jane"),
        ("x-remote-uid", "7"),
        ("x-remote-group", "dev"),
        ("x-remote-group", "system:authenticated"),
        ("x-remote-extra-example.org%2fscopes", "a"),
        ("x-remote-extra-example.org%2fscopes", "b"),
    )
    assert user == ClusterUser(
        "jane",
        frozenset(),
        uid="7",
        groups=("dev", "system:authenticated"),
        extra=(("example.org/scopes", ("a", "b")),),
    )


def test_names_are_utf_8() -> None:
    assert named(("x-remote-user", "张三")).name == "张三"
    with pytest.raises(Failure, match="not UTF-8"):
        user_of(PROXY, [(b"x-remote-user", b"\xff")])


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("x-remote-user", ""),),
        (("x-remote-group", "system:masters"),),
        (("x_remote_user", "jane"),),
        (("x-remote-users", "jane"),),
        (("x-remote-user", "jane"), ("x-remote-user", "root")),
    ],
)
def test_without_one_name_there_is_no_user(headers: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(Failure) as caught:
        named(*headers)
    assert caught.value.code == 401


def test_other_headers_tell_nothing() -> None:
    user = named(("x-remote-user", "jane"), ("x-other-group", "dev"), ("x-remote-extra", "a"))
    assert (user.groups, user.extra) == ((), ())


def test_the_headers_may_be_called_otherwise() -> None:
    data = {
        **DATA,
        "requestheader-username-headers": '["X-User", "X-Remote-User"]',
        "requestheader-group-headers": '["X-Groups"]',
    }
    user = user_of(front_proxy(data), [(b"x-remote-user", b"jane"), (b"x-groups", b"dev")])
    assert (user.name, user.groups) == ("jane", ("dev",))


def test_only_the_proxys_own_certificate_counts() -> None:
    check_certificate(PROXY, ["front-proxy-client"])
    for names in ([], ["jane"], ["front-proxy-client", "jane"], ["Front-Proxy-Client"]):
        with pytest.raises(Failure) as caught:
            check_certificate(PROXY, names)
        assert caught.value.code == 401
    anyone = front_proxy({**DATA, "requestheader-allowed-names": "[]"})
    check_certificate(anyone, ["jane"])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("requestheader-client-ca-file", ""),
        ("requestheader-client-ca-file", " \n"),
        ("requestheader-username-headers", ""),
        ("requestheader-username-headers", "[]"),
        ("requestheader-username-headers", '[""]'),
        ("requestheader-allowed-names", "front-proxy-client"),
        ("requestheader-group-headers", '{"X-Remote-Group": 1}'),
        ("requestheader-group-headers", "[1]"),
    ],
)
def test_a_configuration_that_proves_nothing_is_refused(key: str, value: str) -> None:
    with pytest.raises(NoFrontProxy, match=key):
        front_proxy({**DATA, key: value})
    with pytest.raises(NoFrontProxy, match="client-ca-file"):
        front_proxy({})
