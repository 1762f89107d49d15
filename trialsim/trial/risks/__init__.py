"""How likely it is that something happens to a patient, and when."""
