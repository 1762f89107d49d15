"""A study as a USDM v4 document, and the beginning of a study file from one."""
