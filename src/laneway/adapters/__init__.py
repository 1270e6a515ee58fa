"""Where laneway touches the world: one package for each neighbour, blind to one another."""
