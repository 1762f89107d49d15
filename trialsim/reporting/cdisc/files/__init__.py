"""The files that datasets become: XPT v5, Dataset-JSON 1.1, Define-XML 2.1, a reviewer's guide."""
