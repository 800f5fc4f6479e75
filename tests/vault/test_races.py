import threading

import pytest
from django.db import connection, transaction

from llmadmin.audit.services import acting
from llmadmin.catalog.services import create_provider
from llmadmin.core.errors import StaleError
from llmadmin.vault.selectors import get_key
from llmadmin.vault.services import add_key, update_key


@pytest.mark.django_db(transaction=True)
def test_g16_of_two_who_save_at_once_one_is_told_and_nothing_is_overwritten(actor):
    with transaction.atomic(), acting(actor):
        provider = create_provider(slug="lab", kind="local", base_url="http://127.0.0.1:9000/v1")
        key = add_key(provider, label="main", api_key="test-key-alpha-0001")
    outcomes, start = [], threading.Barrier(4)

    def save(weight):
        start.wait()
        try:
            with transaction.atomic(), acting(actor):
                update_key(get_key(key.pk), expected_revision=1, weight=weight)
            outcomes.append(weight)
        except StaleError:
            outcomes.append("stale")
        finally:
            connection.close()

    threads = [threading.Thread(target=save, args=[weight]) for weight in (11, 12, 13, 14)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert outcomes.count("stale") == 3
    saved = get_key(key.pk)
    assert saved.weight in outcomes
    assert saved.revision == 2
