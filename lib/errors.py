"""Errors that a person can act on."""


class FournilError(Exception):
    """What is wrong and how to mend it, in one short message."""


class SettingsError(FournilError):
    """A setting is unknown, malformed or missing."""


class SourceError(FournilError):
    """A source's file or table cannot be used at all; the message names file, column and mend."""


class LakeError(FournilError):
    """The lake lacks something a step needs, or refuses a write."""


class TrainingError(FournilError):
    """There is not enough to train a model on."""


class HoldError(FournilError):
    """A critical check failed: nothing new is published and the last publication stays live."""


class ReplayError(FournilError):
    """What was made again is not what was made before; the message names the first difference."""
