"""What changes usage: storing calls, taking in reports, rolling up hours."""

from llmadmin.usage.services.ingestion import ingest
from llmadmin.usage.services.pricing import latest_prices, price_entries
from llmadmin.usage.services.rollup import roll_up, roll_up_stale
from llmadmin.usage.services.storage import Stored, store

__all__ = ["Stored", "ingest", "latest_prices", "price_entries", "roll_up", "roll_up_stale", "store"]
