"""Figures of simulated trials: patients, visits, sites."""
