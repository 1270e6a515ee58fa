"""The xDS server: hands every proxy its snapshot over incremental ADS and keeps what it answers.

``protocol`` holds the protocol as plain state, ``server`` the sockets. See
docs/decisions/0002-xds-server.md.
"""
