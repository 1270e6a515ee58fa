"""What people and programs touch: the command line, and the mock application of the examples."""
