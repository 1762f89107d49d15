"""A study in words and rows, each number with its status and its source; nothing prints."""

from trialsim.scenario.plan_words import plan_in_words

__all__ = ["plan_in_words"]
