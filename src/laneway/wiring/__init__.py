"""The composition root: the one place where adapters meet each other and the use cases."""
