"""A page to plan on, in a browser: `trialsim app`, by the extra `app`."""
