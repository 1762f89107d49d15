"""Tests of several hypotheses together, so that the chance of any false rejection is bounded."""
