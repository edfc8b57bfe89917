"""What is wrong with a data set, in one sentence."""


class DataError(ValueError):
    """A file or a table of the data set is missing, broken or not what its layout says; the message names it."""

    def __str__(self) -> str:
        # A DataLoader's worker hands the error on with its traceback before the sentence.
        return super().__str__().rsplit("DataError: ", 1)[-1].rstrip()
