"""Published figures compared with simulated ones, and parameters solved to meet them."""
