"""What this machine tells of its users and processes. Every other adapter may use it."""
