"""What leaves the package: the CONSORT account, and files of tables."""
