"""The rules of a landing zone. `table.py` lists them all."""
