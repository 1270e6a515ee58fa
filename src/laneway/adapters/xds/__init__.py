"""The xDS server: sends every proxy its snapshot over incremental ADS, and records the responses.

``protocol`` is the state of the protocol without I/O, ``server`` has the sockets. See
docs/decisions/0002-xds-server.md.
"""
