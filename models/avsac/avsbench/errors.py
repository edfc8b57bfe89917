"""What is wrong with a data set, in one sentence."""


class DataError(ValueError):
    """A file or a table of the data set is missing, broken or not what its layout says; the message names it."""
