"""`python -m engram.cli`, for where the script `engram` is not on the PATH."""

from engram.cli.entry import main

if __name__ == "__main__":
    main()
