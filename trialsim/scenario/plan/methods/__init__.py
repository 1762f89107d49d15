"""The methods that can compare the arms: what each estimates, says of itself and conflicts with."""
