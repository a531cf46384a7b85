"""What `accept` accepts and refuses, case by case; `tools/make_accept_vectors.py` writes them
down as vectors, and the tests judge both the cases and the vectors."""
