"""What leaves the package: text, tables, figures, the CONSORT account, pages and files."""
