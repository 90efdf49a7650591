"""Whether an MLflow server is there: asked in a moment, and without MLflow, which takes 5 s to import."""

from __future__ import annotations

import os
import ssl
import urllib.error
import urllib.request
from contextlib import suppress

from rnnbench.text.credentials import authorization, masked, without_credentials

_YES = ("1", "true")


def check(address: str, within: float) -> None:
    """Raise `OSError` or `ValueError` unless a server answers within so many seconds, whatever it says.

    Like MLflow's client it sends the user and password of the address or of the environment, and trusts the
    certificates that the environment names.
    """
    request = urllib.request.Request(f"{without_credentials(address)}/health")
    for name, value in authorization(address).items():
        # Not to wherever the server may send us.
        request.add_unredirected_header(name, value)
    # An error of HTTP is an answer; whether it is MLflow, and lets us in, shows in the client's first request.
    with suppress(urllib.error.HTTPError):
        urllib.request.urlopen(request, timeout=within, context=_trust()).close()


def reason(error: Exception) -> str:
    """Why `check` failed."""
    return masked(str(getattr(error, "reason", error)))


def _trust() -> ssl.SSLContext:
    bundles = ("MLFLOW_TRACKING_SERVER_CERT_PATH", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    place = next((os.environ[name] for name in bundles if os.environ.get(name)), None)
    folder = place is not None and os.path.isdir(place)
    context = ssl.create_default_context(cafile=None if folder else place, capath=place if folder else None)
    if os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in _YES:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if own := os.environ.get("MLFLOW_TRACKING_CLIENT_CERT_PATH"):
        context.load_cert_chain(own)
    return context
