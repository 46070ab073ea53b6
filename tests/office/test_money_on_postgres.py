"""Items, balances, templates, many at once, closings and files of payments, on PostgreSQL: the same tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from daemon.store.engine import Store
from tests.laws.conftest import Fresh, on_postgres, postgres_server
from tests.office.test_bulk import *  # noqa: F403
from tests.office.test_by_hand import *  # noqa: F403
from tests.office.test_closings import *  # noqa: F403
from tests.office.test_items import *  # noqa: F403
from tests.office.test_payment_files import *  # noqa: F403
from tests.office.test_promises_and_balances import *  # noqa: F403
from tests.office.test_service_changes import *  # noqa: F403
from tests.office.test_templates import *  # noqa: F403

__all__ = ["on_postgres", "postgres_server"]

pytestmark = pytest.mark.postgres


@pytest.fixture
def store(on_postgres: Fresh) -> Iterator[Store]:
    made = Store(on_postgres())
    yield made
    made.dispose()
