"""The settings that tests run under: the product's own, on a throwaway data directory.

The database is SQLite, in a file so that threads meet the locks that they meet in production, or what DATABASE_URL says.
PYTEST_DB_SUFFIX keeps the databases of several runs on one PostgreSQL apart.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

if "LLMADMIN_DATA_DIR" not in os.environ:
    os.environ["LLMADMIN_DATA_DIR"] = tempfile.mkdtemp(prefix="llmadmin-test-")
    atexit.register(shutil.rmtree, os.environ["LLMADMIN_DATA_DIR"], ignore_errors=True)

from llmadmin.settings import *  # noqa: F403
from llmadmin.settings import CACHES, DATA_DIR, DATABASES, INSTALLED_APPS, STORAGES

# One directory a worker, since set-up tokens and journals are one a data directory.
DATA_DIR = Path(DATA_DIR) / os.environ.get("PYTEST_XDIST_WORKER", "main")
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)

_suffix = os.environ.get("PYTEST_DB_SUFFIX", "")
_database = DATABASES["default"]
if _database["ENGINE"] == "django.db.backends.sqlite3":
    _database["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
else:
    _database["TEST"] = {"NAME": "_".join(filter(None, ["test_llmadmin", _suffix]))}

CACHES["default"]["KEY_PREFIX"] = f"llmadmin-test-{os.getpid()}"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# The manifest is made by collectstatic, which tests don't need.
STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
# Tests empty the database; the audit log lets nobody else.
INSTALLED_APPS = [*INSTALLED_APPS, "tests.flushing"]
