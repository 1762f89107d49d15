"""The comparison that each method makes of a batch of trials: one file a method or small family."""
