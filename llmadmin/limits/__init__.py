"""May this call go ahead? Switches that stop traffic at once."""
