"""A batch of replicates of a study: cohort, itinerary, conduct and scores."""
