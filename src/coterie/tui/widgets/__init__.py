"""The parts of a screen: each shows what it is given, and says what a person does to it."""
