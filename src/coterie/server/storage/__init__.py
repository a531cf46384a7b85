"""What is remembered: every SQL statement stands here."""
