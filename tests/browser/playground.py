"""The playground as a reader sees it: one answer, its figures and its tries."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect


class Answer:
    """The column of one run."""

    def __init__(self, page: Page) -> None:
        self.column = page.get_by_role("article").first
        self.text = self.column.get_by_role("region", name=re.compile("^Answer of"))
        self.tries = self.column.get_by_role("list", name="Tries").get_by_role("listitem")

    def figure(self, label: str) -> str:
        """The figure under its label, first line."""
        pair = self.column.locator("dl > div").filter(has=self.column.page.get_by_text(label, exact=True))
        return pair.locator("dd").inner_text().strip().splitlines()[0]


def run_to_the_end(page: Page) -> Answer:
    """Follow a run that was just begun; part of the text must be there before the rest is."""
    answer = Answer(page)
    expect(answer.column).to_have_attribute("data-state", "running")
    expect(answer.text).to_contain_text("simulated answer")
    partial = answer.text.inner_text()
    expect(answer.column).to_have_attribute("data-state", "running")
    expect(answer.column).to_have_attribute("data-state", "done")
    whole = answer.text.inner_text()
    assert whole.startswith(partial.rstrip())
    assert len(whole) > len(partial)
    return answer


def is_text_growing(text: Locator) -> bool:
    before = text.inner_text()
    text.page.wait_for_timeout(400)
    return text.inner_text() != before
