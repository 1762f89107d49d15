"""The flow of participants, counted and drawn."""
