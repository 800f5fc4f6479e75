"""What every provider folder builds on."""
