"""FUSE: one picture from many cameras."""
