"""The tabulation datasets, SDTMIG 3.4: one file for each family of domains."""
