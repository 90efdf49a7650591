"""A store behind an MLflow server, which is asked whether it is there without importing MLflow, which takes 5 s."""

from __future__ import annotations

import os
import ssl
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field

from rnnbench.errors import UserError
from rnnbench.text.credentials import authorization, masked, without_credentials
from rnnbench.tracking.failures import translate_errors
from rnnbench.tracking.store import Store

ANSWER_WITHIN = 8.0
"""Seconds that a server has to answer before it counts as not there."""
_YES = ("1", "true")


@dataclass(frozen=True)
class Server(Store):
    """A store that is read and written by HTTP."""

    address: str = field(repr=False)
    """As MLflow's client takes it; it may hold a password."""

    @property
    def uri(self) -> str:
        return self.address

    def __str__(self) -> str:
        return without_credentials(self.address)

    def check_readable(self) -> None:
        """Like MLflow's client it sends the user and password of the address or of the environment, and trusts the
        certificates that the environment names.
        """
        try:
            self._ask()
        except (OSError, ValueError) as error:
            reason = masked(str(getattr(error, "reason", error)))
            raise UserError(f"MLflow server {self} does not answer: {reason}") from None

    def check_writable(self) -> None:
        # What it lets us write shows in the client's first request.
        self.check_readable()

    def tag_experiment(self, name: str, key: str, value: str) -> None:
        client = self.client()
        with translate_errors(self):
            client.set_experiment_tag(client.get_experiment_by_name(name).experiment_id, key, value)

    def back_up(self) -> None:
        """Nothing to do: a server looks after its own."""

    def _ask(self) -> None:
        """Raise `OSError` or `ValueError` unless the server answers in time, whatever it says."""
        request = urllib.request.Request(f"{self}/health")
        for name, value in authorization(self.address).items():
            # Not to wherever the server may send us.
            request.add_unredirected_header(name, value)
        # An error of HTTP is an answer; whether it is MLflow, and lets us in, shows in the client's first request.
        with suppress(urllib.error.HTTPError):
            urllib.request.urlopen(request, timeout=ANSWER_WITHIN, context=_trust()).close()


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
