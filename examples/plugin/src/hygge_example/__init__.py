"""Tables kept in notebooks of JSON: an example of a hygge plugin."""
