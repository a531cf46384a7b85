"""Who may change a group: one pure function for server and clients, and the objects it judges."""
