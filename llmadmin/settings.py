"""One settings file that runs with no configuration; the environment moves it to PostgreSQL, Redis and production.

Every name that the environment may set is listed in `.env.example`.
"""

from __future__ import annotations

from pathlib import Path

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from llmadmin.accounts.oidc import oidc_from_environment
from llmadmin.env import ROOT, SetupError, env, kept_secret, private_file, secret

BASE_DIR = ROOT
# An empty value means "not set", as compose files write it.
ENVIRONMENT = env.str("LLMADMIN_ENV", "") or "embedded"
IS_PRODUCTION = ENVIRONMENT == "production"
DEBUG = env.bool("LLMADMIN_DEBUG", False)
DATA_DIR = Path(env.str("LLMADMIN_DATA_DIR", "") or ROOT / "data").expanduser().resolve()

if IS_PRODUCTION:
    _missing = [
        name
        for name in ("LLMADMIN_ENCRYPTION_KEY", "LLMADMIN_SECRET_KEY", "LLMADMIN_ALLOWED_HOSTS")
        if not secret(name)
    ]
    if _missing:
        raise ImproperlyConfigured(
            f"LLMADMIN_ENV=production needs {', '.join(_missing)}. Set each in the environment, or point NAME_FILE at a "
            "file that holds it. `llmadmin doctor --new-key` prints a fresh encryption key."
        )

try:
    SECRET_KEY = secret("LLMADMIN_SECRET_KEY") or kept_secret(DATA_DIR / "secret.key", make=48)
    # Comma-separated, the first encrypts and all decrypt. Validated by llmadmin.core.keyring.
    ENCRYPTION_KEYS = secret("LLMADMIN_ENCRYPTION_KEY") or kept_secret(DATA_DIR / "encryption.key")
except (SetupError, OSError) as _problem:
    raise ImproperlyConfigured(str(_problem)) from _problem

ALLOWED_HOSTS = (secret("LLMADMIN_ALLOWED_HOSTS") or "127.0.0.1,localhost,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = env.list("LLMADMIN_TRUSTED_ORIGINS", default=[])
PUBLIC_URL = env.str("LLMADMIN_URL", "").rstrip("/")

# What the live path may do
ALLOW_PRIVATE_ADDRESSES = env.bool("LLMADMIN_ALLOW_PRIVATE_ADDRESSES", not IS_PRODUCTION)
SIMULATOR_ENABLED = env.bool("LLMADMIN_SIMULATOR", not IS_PRODUCTION)
MAX_BODY_BYTES = env.int("LLMADMIN_MAX_BODY_BYTES", 20 * 1024 * 1024)
CALL_DEADLINE_S = env.float("LLMADMIN_CALL_DEADLINE_S", 300.0)
CONFIG_POLL_S = env.float("LLMADMIN_CONFIG_POLL_S", 0.4)
# Where API keys may lie outside of the database; validated by llmadmin.vault.sourcing.
KEY_SOURCES = env.str("LLMADMIN_KEY_SOURCES", "")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "servestatic.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "template_partials",
    "heroicons",
    "csp",
    "llmadmin.core",
    "llmadmin.audit",
    "llmadmin.accounts",
    "llmadmin.catalog",
    "llmadmin.vault",
    "llmadmin.routing",
    "llmadmin.config",
    "llmadmin.usage",
    "llmadmin.limits",
    "llmadmin.alerts",
    "llmadmin.gateway",
    "llmadmin.playground",
    "llmadmin.api",
    "llmadmin.console",
    "llmadmin.operations",
]

MIDDLEWARE = [
    "llmadmin.core.request_id.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "llmadmin.accounts.middleware.FirstOwnerMiddleware",
    "llmadmin.accounts.middleware.SignInRequiredMiddleware",
    "llmadmin.accounts.middleware.SecondFactorMiddleware",
    "llmadmin.accounts.middleware.ViewerZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
]

ROOT_URLCONF = "llmadmin.urls"
ASGI_APPLICATION = "llmadmin.asgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "llmadmin.console.context.shell",
            ],
            "builtins": [
                "template_partials.templatetags.partials",
                "django.contrib.humanize.templatetags.humanize",
                "llmadmin.console.templatetags.console",
            ],
        },
    }
]

# Database: SQLite (WAL, immediate transactions) until DATABASE_URL names PostgreSQL
if env.str("DATABASE_URL", ""):
    DATABASES = {"default": env.db_url("DATABASE_URL")}
else:
    _file = private_file(DATA_DIR / "llmadmin.sqlite3")
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(_file)}}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; PRAGMA busy_timeout=20000; "
            "PRAGMA mmap_size=134217728; PRAGMA cache_size=-16000;"
        ),
    }
else:
    # ASGI opens and closes connections per request, so the pool is psycopg's own (8 ms → 1.6 ms at 32 connections).
    DATABASES["default"]["OPTIONS"] = {
        "pool": {"min_size": 1, "max_size": env.int("LLMADMIN_DB_POOL", 16), "timeout": 10}
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Cache and Celery: in memory until REDIS_URL is set
REDIS_URL = env.str("REDIS_URL", "")
CACHES = {
    "default": (
        {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL, "KEY_PREFIX": "llmadmin"}
        if REDIS_URL
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 5000}}
    )
}
CELERY_BROKER_URL = REDIS_URL or "memory://"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_DEFAULT_QUEUE = "llmadmin"
CELERY_BROKER_TRANSPORT_OPTIONS = {"polling_interval": 0.1} if not REDIS_URL else {}
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# People
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "llmadmin.accounts.backends.PersonBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "overview"
ACCOUNT_ADAPTER = "llmadmin.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
# How long a sign-in, or a confirmation, is fresh enough for sensitive acts.
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
# Second factors. Addresses are given by whoever invites, so allauth need not verify them first.
MFA_ADAPTER = "llmadmin.accounts.second_factors.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "llmadmin"
MFA_TOTP_TOLERANCE = 1
# Browsers offer passkeys over plain HTTP on localhost alone.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not IS_PRODUCTION
# Single sign-on with one OpenID Connect provider, where LLMADMIN_OIDC_ISSUER names it
try:
    OIDC = oidc_from_environment()
except SetupError as _problem:
    raise ImproperlyConfigured(str(_problem)) from _problem
SOCIALACCOUNT_ADAPTER = "llmadmin.accounts.single_sign_on.SingleSignOnAdapter"
SOCIALACCOUNT_PROVIDERS = OIDC.as_allauth() if OIDC else {}
# The button is a link: a form that is redirected to another host breaks `form-action 'self'`.
SOCIALACCOUNT_LOGIN_ON_GET = True
SOCIALACCOUNT_STORE_TOKENS = False
# Without EMAIL_URL nothing is sent or printed: a link that resets a password has no place in a log.
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
MAIL_IS_SENT = bool(env.str("EMAIL_URL", ""))
if MAIL_IS_SENT:
    vars().update(env.email_url("EMAIL_URL"))

# Language and time
LANGUAGE_CODE = "en-us"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# Static files
STATIC_URL = "static/"
STATIC_ROOT = Path(env.str("LLMADMIN_STATIC_DIR", "") or ROOT / "staticfiles")
# Each provider folder brings its own mark: providers/openai/static/mark.svg is served as static/providers/openai/mark.svg.
STATICFILES_DIRS = [
    ROOT / "static",
    *((f"providers/{folder.parent.name}", folder) for folder in sorted((ROOT / "providers").glob("*/static"))),
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # Production images collect, hash and compress at build time; elsewhere files are served where they lie.
    "staticfiles": {
        "BACKEND": (
            "servestatic.storage.CompressedManifestStaticFilesStorage"
            if IS_PRODUCTION
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}
SERVESTATIC_USE_FINDERS = not IS_PRODUCTION
SERVESTATIC_AUTOREFRESH = DEBUG

# REST
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "llmadmin.api.authentication.ServiceKeyAuthentication",
        "llmadmin.api.authentication.PersonAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["llmadmin.api.permissions.MayUseEndpoint"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "llmadmin.api.pagination.KeysetPagination",
    "PAGE_SIZE": 100,
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "llmadmin.api.schema.RestSchema",
    "EXCEPTION_HANDLER": "llmadmin.api.errors.handle",
    "UNAUTHENTICATED_USER": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "llmadmin REST API",
    "DESCRIPTION": "The resolved config, the objects behind it, and usage. Authenticate with a service key as a Bearer token.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
}

# Browser security
SESSION_ENGINE = "llmadmin.accounts.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if IS_PRODUCTION and env.bool("LLMADMIN_HTTPS", True):
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = env.bool("LLMADMIN_SSL_REDIRECT", False)
    SECURE_HSTS_SECONDS = env.int("LLMADMIN_HSTS_S", 3600)
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES

# Logs go to standard error, as lines for people or as JSON; the redactor stands in the chain.
LOG_FORMAT = env.str("LLMADMIN_LOG_FORMAT", "json" if IS_PRODUCTION else "lines")
LOG_LEVEL = env.str("LLMADMIN_LOG_LEVEL", "INFO").upper()
LOGGING_CONFIG = "llmadmin.core.logs.configure"
LOGGING = {"format": LOG_FORMAT, "level": LOG_LEVEL}
