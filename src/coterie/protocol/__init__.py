"""The contract between clients and server: pure data, no input or output."""
