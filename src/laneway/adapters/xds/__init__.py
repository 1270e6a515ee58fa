"""The xDS server: hands every proxy its snapshot over incremental ADS and keeps what it answers.

``subscriptions`` and ``streams`` hold the protocol as plain state, ``encodings`` the bytes,
``server`` the sockets. See docs/decisions/0002-xds-server.md.
"""
