"""The true values of estimands, and how far each analysis is from them."""
