"""What happens at once: committing batches and fanning out."""
