"""A server's certificate with its key, made by an authority that signs nothing else.

The authority's key is dropped at once: nobody can sign a second certificate with it. A renewed pair
has a new authority, and goes on to name the one before, because clients learn of the new one later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from laneway.adapters.http.certificates import issued, new_authority

LIFE = timedelta(days=90)
#: A pair is renewed when it lives no longer than this.
RENEWAL = LIFE / 3


@dataclass(frozen=True, slots=True)
class ServingPair:
    """All in PEM. ``authorities`` are what clients are to trust, the one of this pair first."""

    authorities: bytes
    certificate: bytes
    key: bytes


def renewed(before: ServingPair | None, host: str, now: datetime) -> ServingPair:
    """A new pair for a server of this name."""
    authority = new_authority(now, LIFE)
    certificate, key = issued(authority, [host], now, LIFE)
    return ServingPair(authority.pem() + _newest(before, now), certificate, key)


def is_fit(pair: ServingPair, host: str, now: datetime) -> bool:
    """Whether it can serve under this name, and for long enough."""
    try:
        certificate = x509.load_pem_x509_certificate(pair.certificate)
        authority = x509.load_pem_x509_certificates(pair.authorities)[0]
        key = serialization.load_pem_private_key(pair.key, None)
        certificate.verify_directly_issued_by(authority)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except Exception:
        # Whoever may write the Secret may have written anything, for which there are many errors.
        return False
    return (
        host in names.get_values_for_type(x509.DNSName)
        and _public(key.public_key()) == _public(certificate.public_key())
        and now + RENEWAL < min(certificate.not_valid_after_utc, authority.not_valid_after_utc)
    )


def _newest(before: ServingPair | None, now: datetime) -> bytes:
    """The authority of the pair before, if it can still prove something."""
    if before is None:
        return b""
    try:
        found = x509.load_pem_x509_certificates(before.authorities)[0]
    except ValueError:
        return b""
    return found.public_bytes(Encoding.PEM) if found.not_valid_after_utc > now else b""


def _public(key: object) -> bytes:
    encoded: bytes = key.public_bytes(  # type: ignore[attr-defined]
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    return encoded
