"""`python -m daemon` is the command `pregonero`."""

from daemon.cli import main

if __name__ == "__main__":
    main()
