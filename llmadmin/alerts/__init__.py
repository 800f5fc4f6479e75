"""Telling others: signed webhooks for what happened here."""
