"""Wrong input by the thousand, made by chance from what is right."""
