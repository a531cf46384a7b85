"""What an operator does to a server, beside serving: on its machine, with its data at hand."""
