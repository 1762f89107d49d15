"""What a patient's outcome would be without the drug, as another study tells."""
