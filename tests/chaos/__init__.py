"""The product under fire: locks, floods, kills, restarts. `make chaos` runs the long form."""
