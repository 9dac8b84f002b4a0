# SPDX-License-Identifier: Apache-2.0
# Plays requests through a view of Django that a library limits: python3 django_side.py REQUESTS < VIEW, where VIEW is Python that
# defines login(request), and REQUESTS is JSON. Prints the statuses; exits with 3 if the library isn't there. PYTHONPATH names them.
import hashlib
import json
import sys
import types

from django.conf import settings

settings.configure(
    SECRET_KEY="x" * 50, DEBUG=False, ALLOWED_HOSTS=["*"], USE_TZ=True,
    CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    RATELIMIT_BACKEND="memory", SITE_ID=1, DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sites"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}})

import django

django.setup()

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.http import HttpResponse
from django.test import RequestFactory

call_command("migrate", verbosity=0)  # djblets looks for the site's name

# ratelimitcache was written for Python 2, which had a module sha.
sha = types.ModuleType("sha")
sha.new = lambda text: hashlib.sha1(text.encode())
sys.modules["sha"] = sha

PASSWORD = "Basic YWxpY2U6c2VjcmV0"


def answer(request):
    given = request.META.get("HTTP_AUTHORIZATION")
    return HttpResponse("ok", status=200 if given in (None, PASSWORD) else 401)


def denied():
    return HttpResponse("denied", status=429)


view = {"__name__": "views", "answer": answer, "denied": denied}
try:
    exec(sys.stdin.read(), view)
except ModuleNotFoundError as missing:
    print(missing, file=sys.stderr)
    sys.exit(3)
statuses = []
for asked in json.loads(sys.argv[1]):
    headers = dict(zip(asked.get("headers", [])[::2], asked.get("headers", [])[1::2]))
    meta = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}
    request = RequestFactory().generic(
        asked.get("method", "GET"), asked["path"], asked.get("body", ""),
        "application/x-www-form-urlencoded", REMOTE_ADDR=asked["from"], **meta)
    request.user = AnonymousUser()
    try:
        statuses.append(view["login"](request).status_code)
    except PermissionDenied:
        statuses.append(403)
print(*statuses)
