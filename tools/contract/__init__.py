"""`coterie.protocol` as other languages and people read it: one module per kind of reader."""
