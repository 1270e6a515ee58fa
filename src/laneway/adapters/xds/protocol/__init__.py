"""The state of incremental xDS, without sockets: what a proxy subscribed to, was sent, and said."""
