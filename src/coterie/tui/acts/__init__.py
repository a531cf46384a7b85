"""What a person does in several steps: asked for on a screen, done through the client."""
