"""One HTTP port that speaks EC2, SSM and STS, strictly: signatures, requests and our own answers are all checked."""

import logging
import socket
import struct
import threading
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.model import OperationModel

from e2e.twin.clock import PlatformClock
from e2e.twin.cloud import json_protocol, query_protocol
from e2e.twin.cloud.ec2 import ElasticComputeCloud
from e2e.twin.cloud.errors import AwsError, FaithlessAnswerError
from e2e.twin.cloud.faults import AnswerLostError, CloudCall, CloudFaults, NoFaults
from e2e.twin.cloud.fleet import Fleet
from e2e.twin.cloud.models import ServiceModels
from e2e.twin.cloud.refusals import refusal_error
from e2e.twin.cloud.signature import SignatureCheck, SignatureRefusedError
from e2e.twin.cloud.ssm import SystemsManager
from e2e.twin.cloud.sts import SecurityTokenService
from e2e.twin.cloud.validation import answer_violations, request_violations, validation_message

_log = logging.getLogger(__name__)
_LARGEST_REQUEST = 1 << 20
_STS_VERSION = "2011-06-15"

Operation = Callable[[Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    content_type: str
    body: bytes
    request_id: str


class AwsEndpoint:
    """The cloud's front door on loopback. ``start`` returns its URL; ``stop`` kills what commands still run."""

    def __init__(
        self,
        fleet: Fleet,
        clock: PlatformClock,
        *,
        region: str,
        account: str,
        access_key_id: str,
        secret_access_key: str,
        faults: CloudFaults | None = None,
        port: int = 0,
        seed: int = 0,
        models: ServiceModels | None = None,
    ) -> None:
        """Bind the port; on loopback, 0 takes any. Several endpoints of a process may share ``models``.

        Raises:
            OSError: the port is taken.
        """
        self._clock = clock
        self._fleet = fleet
        self._faults = faults or NoFaults()
        self._signatures = SignatureCheck(access_key_id, secret_access_key, region)
        self._systems_manager = SystemsManager(fleet, region, account, seed, self._faults)
        self._models = models or ServiceModels()
        self._read_ahead: threading.Thread | None = None
        self._operations: dict[str, Mapping[str, Operation]] = {
            "ssm": self._systems_manager.operations(),
            "ec2": ElasticComputeCloud(fleet, region, account).operations(),
            "sts": SecurityTokenService(account).operations(),
        }
        self._server = _Server(port, self.answer)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="aws-endpoint", daemon=True
        )

    def start(self) -> str:
        """Listen, and return the URL to give to boto3 as ``endpoint_url``.

        The service models are read in the background from now on (about 120 ms of one core), so this is best called
        after everything else of the start.
        """
        self._faults.start(self._fleet)
        self._thread.start()
        self._read_ahead = self._models.read_ahead(["sts", "ec2", "ssm"])
        return self._server.url

    def stop(self) -> None:
        """Close the port and every connection; kill running commands."""
        self._faults.stop()
        self._systems_manager.stop()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        if self._read_ahead is not None:
            self._read_ahead.join()
        self._server.close_connections()
        self._server.server_close()

    def answer(self, headers: Mapping[str, str], body: bytes, url: str) -> Answer:
        """Answer one request; ``headers`` has lower-case names.

        Raises:
            AnswerLostError: it was carried out, and the answer is to get lost on its way.
        """
        request_id = str(uuid.uuid4())
        target = headers.get("x-amz-target", "")
        speaks_json = bool(target) or headers.get("content-type", "").startswith("application/x-amz-json")
        parameters = {} if speaks_json else query_protocol.form(body)
        service = "ssm" if speaks_json else self._service_of(parameters)
        try:
            self._verify(service, headers, body, url)
            if speaks_json:
                name, found = target.rpartition(".")[2], json_protocol.parse(body)
                operation = self._operation(service, name)
            else:
                operation = self._operation(service, parameters.get("Action", ""))
                found = query_protocol.parse(parameters, operation)
            answer = self._carry_out(service, operation, found)
        except AwsError as error:
            return _error_answer(service, error, request_id)
        except AnswerLostError:
            raise
        except Exception as error:  # noqa: BLE001 (the border of the service: a bug of ours is a 500 that says so)
            _log.exception("the %s of the twin failed", service)
            failure = AwsError("InternalFailure", f"the twin failed: {type(error).__name__}: {error}", 500)
            return _error_answer(service, failure, request_id)
        protocol = json_protocol if service == "ssm" else query_protocol
        return Answer(200, protocol.CONTENT_TYPE, protocol.render(operation, answer, request_id), request_id)

    def _service_of(self, parameters: Mapping[str, str]) -> str:
        """Return the query service that the request's API version belongs to."""
        return "sts" if parameters.get("Version") == _STS_VERSION else "ec2"

    def _verify(self, service: str, headers: Mapping[str, str], body: bytes, url: str) -> None:
        try:
            signed_for = self._signatures.verify(headers, body, url, self._clock.now() + self._faults.clock_skew())
        except SignatureRefusedError as error:
            raise refusal_error(service, error.refusal) from error
        if signed_for != service:
            raise AwsError(
                "SignatureDoesNotMatch", f"Credential should be scoped to correct service: '{service}'.", 403
            )

    def _operation(self, service: str, name: str) -> OperationModel:
        if name in self._operations[service]:
            return self._models.model(service).operation_model(name)
        if service == "ssm":
            raise AwsError(
                "UnknownOperationException", f"this twin does not know {name or 'an operation without name'}"
            )
        raise AwsError("InvalidAction", f"The action {name} is not valid for this web service.")

    def _carry_out(self, service: str, operation: OperationModel, request: dict[str, Any]) -> dict[str, Any]:
        violations = request_violations(operation.input_shape, request)
        if violations:
            raise AwsError("ValidationException", validation_message(violations))
        call = CloudCall(service, operation.name, request)
        self._faults.before(call)
        answer = self._faults.after(call, self._operations[service][operation.name](request))
        departures = answer_violations(operation.output_shape, answer)
        if departures:
            raise FaithlessAnswerError(
                f"our answer to {operation.name} departs from its model: {'; '.join(departures)}"
            )
        return answer


def _error_answer(service: str, error: AwsError, request_id: str) -> Answer:
    if service == "ssm":
        body, content_type = json_protocol.render_error(error, request_id), json_protocol.CONTENT_TYPE
    elif service == "ec2":
        body, content_type = query_protocol.render_ec2_error(error, request_id), query_protocol.CONTENT_TYPE
    else:
        body, content_type = query_protocol.render_query_error(error, request_id), query_protocol.CONTENT_TYPE
    return Answer(error.status, content_type, body, request_id)


class _Server(ThreadingHTTPServer):
    """Knows its open connections, so that stopping does not wait for idle clients."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, answer: Callable[[Mapping[str, str], bytes, str], Answer]) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.answer = answer
        self.url = f"http://127.0.0.1:{self.server_port}"
        self._connections: set[socket.socket] = set()
        self._connections_lock = threading.Lock()

    def server_bind(self) -> None:
        """Bind without the look-up of our own name that the base class makes."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._connections_lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._connections_lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """End every open connection; their threads then end too."""
        with self._connections_lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 (the base class's signature)
        """Log what a connection died of: a client that went away is none of our business."""
        _log.debug("a connection of %s ended early", client_address, exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        """Every AWS request here is a POST to the root."""
        length = int(self.headers.get("Content-Length") or 0)
        if length > _LARGEST_REQUEST:
            self.send_error(413)
            self.close_connection = True
            return
        body = self.rfile.read(length)
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            answer = self.server.answer(headers, body, f"http://{headers.get('host', '')}{self.path}")
        except AnswerLostError:
            self._reset()
            return
        head = (
            f"HTTP/1.1 {answer.status} -\r\nContent-Type: {answer.content_type}\r\n"
            f"Content-Length: {len(answer.body)}\r\nx-amzn-RequestId: {answer.request_id}\r\n\r\n"
        )
        self.wfile.write(head.encode() + answer.body)

    def _reset(self) -> None:
        """End the connection the hard way, as a network does that breaks."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 (the name is the base class's)
        """Say nothing on standard error."""
        _log.debug(format, *arguments)
