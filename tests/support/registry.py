"""A container registry of Azure: Debian's docker-registry at the registry's name, with the emulator's token service."""

from __future__ import annotations

import http.client
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from tests.support.named_hosts import NamedHosts
from tests.support.token_service import RecordedRequest, Reply

from entra_emulator import Emulator

HOST = "northwind.azurecr.io"
SERVICE = "76c92352-c057-4cc2-9b1e-f34c32bc58bd"


class Registry(NamedHosts):
    """`https://northwind.azurecr.io`: /v2/ is the real registry's, /oauth2/ the emulator's.

    The registry validates the tokens itself: it trusts the certificate of the emulator's signing key.
    """

    def __init__(self, entra: Emulator, folder: Path) -> None:
        super().__init__(entra, folder, SERVICE, HOST)
        self.script = [self._forward]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._registry_port = free.getsockname()[1]
        certificate = self._folder / "signing.pem"
        der = self._entra._world.keys.keys[0].public.certificate
        certificate.write_bytes(x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM))
        configuration = self._folder / "registry.yml"
        configuration.write_text(
            f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {self._folder}/images}}}}\n"
            f"http:\n  addr: 127.0.0.1:{self._registry_port}\n  host: https://{HOST}\n"
            f"auth:\n  token:\n    realm: https://{HOST}/oauth2/token\n    service: {HOST}\n"
            f"    issuer: Azure Container Registry\n    rootcertbundle: {certificate}\n"
        )
        with (self._folder / "registry.log").open("wb") as log:
            self._process = subprocess.Popen(["docker-registry", "serve", str(configuration)], stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self._registry_port), 1):
                break
            time.sleep(0.02)
        return super().__enter__()

    def __exit__(self, *unused: object) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
        super().__exit__(*unused)

    def _forward(self, request: RecordedRequest) -> Reply:
        headers = {name: value for name, value in request.headers.items() if name.lower() != "connection"}
        if not request.path.startswith("/oauth2/"):
            connection: http.client.HTTPConnection = http.client.HTTPConnection("127.0.0.1", self._registry_port)
            path = request.path
        else:
            port = int(self._entra.authority.rpartition(":")[2])
            connection = http.client.HTTPSConnection("localhost", port, context=self._entra.ssl_context)
            path = f"/acr/{HOST.partition('.')[0]}{request.path}"
            headers = {name: value for name, value in headers.items() if name.lower() != "host"}
        connection.request(request.method, path, request.body, headers)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return Reply(
            response.status, body, {n: v for n, v in response.getheaders() if n.lower() != "transfer-encoding"}
        )
