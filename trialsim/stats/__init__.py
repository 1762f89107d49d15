"""Statistics batched over replicates: arrays in, arrays out; the last axis is patients.

Take each name from its module; nothing is gathered here, so that each loads only what it needs.

ranks/                      two samples compared by their ranks
    mann_whitney            the summary that all rank methods share, and the asymptotic test
    effect_intervals        five intervals of the Mann-Whitney effect
    wins                    win odds, net benefit, win ratio
    hierarchical            the same of pairs decided by the first of several levels
    exact_rank              exact and permutation rank tests
    brunner_munzel          tests of the effect when the arms differ in spread
    reallocation            permutations of the treatment labels
    placements              the share of the other arm below each patient, and midranks
    stratified              van Elteren's test and the effect within strata
    adjusted                the effect adjusted for chance imbalance of covariates
    estimated_effect        interval and test of an effect from its variance
    covariances             covariances of means with missing values
several_outcomes/           several outcomes of the same patients
    joint_effects           placements and covariances from counts, without a sort
    multivariate            joint effects and the Wei-Lachin test
    strata                  the same within strata
    obrien                  O'Brien's sum of ranks
means_and_proportions/      two samples compared by means, proportions and odds
    t_tests                 Student's and Welch's
    ancova                  the baseline as a covariate, or taken off
    mean_difference         interval and test of a difference from its variance
    cross_products          least squares over a batch
    standardised_difference Hedges' g
    two_shares              difference and ratio of two shares, score tests and intervals
    mantel_haenszel         shares compared within strata
    balanced_strata         what balance within strata takes off the variance of an estimate
    responders              proportions at a threshold, Newcombe's interval, Fisher's test
    proportional_odds       the common odds ratio
    cumulative_logits       its likelihood over ordered cells, patient by patient
    standardised_effect     its predictions for all patients in either arm, averaged and compared
time_to_event/              times to an event, of whole days, some of them censored
    at_risk                 patients at risk and events by day, and Kaplan-Meier curves
    log_rank                the log-rank test, stratified or not
    hazard_ratio            Cox's, by Efron's or Breslow's likelihood
    restricted_mean         the mean time without the event up to a horizon
missing/                    missing scores
    multiple_imputation     normal regressions, visit by visit
    latent_normal           scores beyond the ends of a scale, by data augmentation
    repeated_measures       a mixed model of all visits
    inverse_probability     weights of those who were seen
    rubins_rules            pooling over imputations
planning/                   effects, sizes and power without patients
    scale_effects           one effect as theta, shift, odds ratio and mean difference
    ceiling                 what floor and ceiling hide
    sample_size             closed forms of power and patients
    count_power             power from cell probabilities
multiplicity/               several hypotheses tested together
    p_value_adjustments     Holm, Hochberg, Hommel, Bonferroni, fixed sequence, truncated
    graphs                  weights and transitions, by a shortcut or by the closure
    arms_in_stages          bounds of arms against one control in one or two stages
    dunnett                 arms against one control, by their joint distribution
    nested                  the overall population and a subgroup, by their correlation
    families                families in order, each with the level that is left
dose_response/              dose finding by contrasts of shapes and by curves (MCP-Mod)
    shapes                  linear, emax, sigmoid emax, exponential, quadratic, logistic, beta
    effects                 doses against one control, and how their effects vary together
    contrasts               the best contrast of each shape, and the chance of the largest
    curves                  generalised least squares, Akaike's criterion and its weights
    target_dose             the smallest dose that reaches an effect, and its interval
sequential/                 looks at the data before the end
    spending                how much of the error is spent by each share of information
    boundaries              bounds on z that keep the level
    crossing                how often bounds are crossed, and the information that takes
    conditional_power       the power that is left at a look, conditional and predictive
    combination             stages combined with weights set before, and conditional error
    re_estimation           patients needed after all, blinded and unblinded
    stagewise               p-value, median unbiased estimate and interval after a stop
    repeated                intervals and p-values that hold at every look
    recursion               the density of z among the trials that continue
    roots                   one root for each trial of a batch
populations                 effects of whole populations, from the histograms of many samples
allocation_balance          imbalance, predictability and chronological bias of an allocation
factors                     the Cholesky factor, the same bits on every processor
re_randomisation            a statistic against its values in other allocations
meta_analysis               fixed and random effects
monte_carlo                 the error that replicates leave
p_values                    directions of the alternative
"""
