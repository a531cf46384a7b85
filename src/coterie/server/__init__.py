"""The server: stores ciphertext, decides who may do what, orders events."""
