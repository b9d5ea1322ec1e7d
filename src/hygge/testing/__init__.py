"""What we test hygge with, and what a plugin tests its own Homes and Stores with."""
