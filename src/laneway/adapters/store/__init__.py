"""Stores of revisions: in memory for ``laneway up``, in a SQLite file for ``laneway serve``."""
