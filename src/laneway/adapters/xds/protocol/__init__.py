"""The state of incremental xDS without sockets: subscriptions, sent resources and responses."""
