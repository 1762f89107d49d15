"""Dose finding by the multiple comparison procedure and modelling (MCP-Mod).

All of it is computed from the effects of the doses against one control and their covariance, so
that one code serves means, odds and Mann-Whitney effects (Pinheiro, Bornkamp, Glimm and Bretz 2014,
Statistics in Medicine 33:1646). A fixed effect of the control, which a model of the arms' own
values would have beside, drops out. The last axes are the doses, all axes before them are batch.
"""
