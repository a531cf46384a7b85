"""What the tests that go through the public door need: a server, people, a hostile middle."""
