"""Who presents, and who may enter."""
