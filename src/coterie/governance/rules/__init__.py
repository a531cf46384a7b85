"""The rules of `accept`, one module per group of them; `rule.py` lists them all."""
