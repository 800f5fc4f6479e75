"""Google's Gemini API. API reference: https://ai.google.dev/api/generate-content"""

from functools import partial

from providers.folders import create_folder_llm

create_google_llm = partial(create_folder_llm, "google")
