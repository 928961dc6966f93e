"""WATCH: from pictures to tracked, located, classified objects."""
