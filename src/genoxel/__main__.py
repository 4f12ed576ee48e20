"""``python -m genoxel``: the same as the command ``genoxel``."""

from genoxel.app.cli import main

if __name__ == "__main__":
    main()
