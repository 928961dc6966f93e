"""SIMULATE: scenes with truth, to test and to train on."""
