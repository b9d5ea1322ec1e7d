"""`python -m hygge`."""

from hygge.cli.main import main

if __name__ == "__main__":
    main()
