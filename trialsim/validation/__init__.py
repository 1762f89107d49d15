"""What shows an installation to be sound: its files, its engines, the reference values it meets."""
