"""Certificates for the API's TCP port: the server's own CA, and a certificate that it signs.

Clients trust the CA, which is part of what ``laneway kubeconfig`` prints. So each start can create
a new, short-lived server certificate for the current host names.
"""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from laneway.adapters.host.private_files import write_file

_LIFE_OF_CA = timedelta(days=3650)
_LIFE = timedelta(days=397)
#: Clocks differ.
_EARLIER = timedelta(minutes=5)
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class SigningAuthority:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def new_authority(now: datetime, life: timedelta = _LIFE_OF_CA) -> SigningAuthority:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "laneway")])
    signed = (
        _builder(name, name, key.public_key(), now, life)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return SigningAuthority(signed, key)


def issued(
    authority: SigningAuthority, hosts: Collection[str], now: datetime, life: timedelta = _LIFE
) -> tuple[bytes, bytes]:
    """A certificate for a server of these names, and its key, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "laneway-api")])
    names = [_general_name(host) for host in dict.fromkeys(hosts)]
    signed = (
        _builder(name, authority.certificate.subject, key.public_key(), now, life)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return signed.public_bytes(serialization.Encoding.PEM), _pem(key)


def authority(folder: Path, now: datetime) -> tuple[Path, SigningAuthority]:
    """The CA in ``folder`` and its certificate's file, created on first use. Raises
    ``OSError``."""
    certificate, key = folder / "ca.crt", folder / "ca.key"
    if certificate.exists() and key.exists():
        loaded = serialization.load_pem_private_key(key.read_bytes(), None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        return certificate, SigningAuthority(found, loaded)
    made = new_authority(now)
    # The key first: a certificate without its key would look like a complete CA.
    write_file(key, _pem(made.key).decode())
    write_file(certificate, made.pem().decode())
    return certificate, made


def server_context(folder: Path, hosts: Collection[str], now: datetime) -> ssl.SSLContext:
    """A TLS context with a certificate of the CA in ``folder``, for this machine's names and
    ``hosts``."""
    _, ca = authority(folder, now)
    certificate, key = issued(ca, (*_LOCAL, *hosts), now)
    pair = folder / "server.pem"
    write_file(pair, (key + certificate).decode())
    return given_context(pair, pair)


def given_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """A TLS context with the user's own files. Raises ``OSError`` or ``ssl.SSLError``."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + life)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
