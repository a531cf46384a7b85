"""What fills the terminal, and what opens above it."""
