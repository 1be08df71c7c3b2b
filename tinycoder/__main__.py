"""``python -m tinycoder``."""

from tinycoder.cli import main

if __name__ == "__main__":
    main()
