"""The terminal client, on Textual: screens and widgets over `coterie.sdk`."""
