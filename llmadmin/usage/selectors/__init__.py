"""What reads usage. Everything but `records` and `get_record` reads the hourly rollup."""

from llmadmin.usage.selectors.costs import CostTable, UnpricedModel, cost_table, total_cost, unpriced_models
from llmadmin.usage.selectors.errors import ErrorTable, ErrorTimeline, error_table, error_timeline
from llmadmin.usage.selectors.health import ProviderHealth, provider_health
from llmadmin.usage.selectors.overview import OverviewFigures, overview_figures, top_aliases
from llmadmin.usage.selectors.parts import Parts, parts
from llmadmin.usage.selectors.proof import check_hours
from llmadmin.usage.selectors.records import find_records, get_record, record_json, records
from llmadmin.usage.selectors.summary import summary
from llmadmin.usage.selectors.timeline import Timeline, local_midnight, timeline
from llmadmin.usage.selectors.totals import Totals

__all__ = [
    "CostTable",
    "ErrorTable",
    "ErrorTimeline",
    "OverviewFigures",
    "Parts",
    "ProviderHealth",
    "Timeline",
    "Totals",
    "UnpricedModel",
    "check_hours",
    "cost_table",
    "error_table",
    "error_timeline",
    "find_records",
    "get_record",
    "local_midnight",
    "overview_figures",
    "parts",
    "provider_health",
    "record_json",
    "records",
    "summary",
    "timeline",
    "top_aliases",
    "total_cost",
    "unpriced_models",
]
