"""How fast hygge is, beside the libraries beneath it."""
