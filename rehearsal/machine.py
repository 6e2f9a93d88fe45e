"""What is said of a machine that cannot run a rehearsal."""


class MachineLacks(RuntimeError):
    """A program or right is missing here; the message names it and what to do."""
