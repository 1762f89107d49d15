"""What a sound study had better say otherwise, in a sentence each: nothing that stops it."""

from trialsim.questions.monitoring.doubts import doubts
from trialsim.scenario.programme import Study
from trialsim.scenario.words.deaths import counted_twice
from trialsim.scenario.words.estimands import misaligned
from trialsim.scenario.words.harms import harms
from trialsim.scenario.words.monitoring import beyond_level


def warnings_of(study: Study) -> tuple[str, ...]:
    """Return every warning of a study; one with looks is held against its expected calendar.

    >>> import trialsim as ts
    >>> warnings_of(ts.load("cars_sequential"))
    ()
    """
    of_words = harms(study) + counted_twice(study) + misaligned(study) + beyond_level(study)
    return of_words + doubts(study)
