"""Rank statistics batched over replicates: arrays in, arrays out; the last axis is patients.

Take each name from its module. Several modules bear the name of their first function, and each
loads only what it needs, so nothing is gathered here.

Two samples
    mann_whitney             the summary that all rank methods share, and the asymptotic test
    effect_intervals         five intervals of the Mann-Whitney effect
    wins                     win odds, net benefit, win ratio
    exact_rank               exact and permutation rank tests
    brunner_munzel           tests of the effect when the arms differ in spread
    reallocation             ways of dealing the patients to the arms again
    placements               the share of the other arm below each patient, and midranks

Strata, covariates, several scales
    stratified               van Elteren's test and the effect within strata
    adjusted                 the effect adjusted for chance imbalance of covariates
    multivariate             joint effects, the Wei-Lachin and the omnibus test
    obrien                   O'Brien's sum of ranks
    estimated_effect         interval and test of an effect from its variance
    covariances              covariances of means with missing values
    multiplicity             Holm, Hochberg, Hommel, Bonferroni, fixed sequence

Companions for sensitivity
    t_tests                  Student's and Welch's
    ancova                   the baseline as a covariate, or taken off
    mean_difference          interval and test of a difference from its variance
    cross_products           least squares over a batch
    responders               shares at a threshold, Newcombe's interval, Fisher's test
    proportional_odds        the common odds ratio, by statsmodels

Missing data
    missing_data             carried forward, complete cases, worst rank
    multiple_imputation      normal regressions, visit by visit
    rubins_rules             pooling over imputations

Planning
    scale_effects            one effect as theta, shift, odds ratio and mean difference
    ceiling                  what floor and ceiling hide
    sample_size              closed forms of power and patients
    count_power              power from cell probabilities, without patients
    monte_carlo              the error that replicates leave

Meta-analysis
    meta_analysis            fixed and random effects
    standardised_difference  Hedges' g
"""
