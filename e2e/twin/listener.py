"""A loopback port with a web application behind it, served by a thread."""

import socket
import threading

import uvicorn

from e2e.twin.wire import Application

STOP_SECONDS = 2.0
"""Wall seconds that requests in flight get when a listener stops."""


class PortBusyError(Exception):
    """The port that was asked for is taken or not allowed. ``port`` says which."""

    def __init__(self, port: int, reason: str) -> None:
        super().__init__(f"cannot listen on 127.0.0.1:{port}: {reason}")
        self.port = port


def bind_loopback(port: int) -> socket.socket:
    """Return a listening socket on 127.0.0.1; port 0 takes a free one.

    Raises:
        PortBusyError: the port is taken, out of range or not allowed.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen(512)
    except (OSError, OverflowError) as error:
        listening.close()
        raise PortBusyError(port, getattr(error, "strerror", None) or str(error)) from error
    return listening


def url_of(listening: socket.socket) -> str:
    """Return the base address of a listening socket, without a slash at its end."""
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


class Listener:
    """Serves one application on a socket of :func:`bind_loopback`, from :meth:`start` to :meth:`stop`."""

    def __init__(self, application: Application, listening: socket.socket) -> None:
        self._application = application
        self._socket = listening
        self.port: int = self._socket.getsockname()[1]
        configuration = uvicorn.Config(
            application.asgi,
            log_config=None,
            access_log=False,
            lifespan="off",
            loop="asyncio",
            http="h11",
            ws="none",
            timeout_keep_alive=60,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(configuration)
        self._thread = threading.Thread(target=self._serve, name=f"listener-{self.port}", daemon=True)

    @property
    def url(self) -> str:
        """The base address, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> str:
        """Begin to answer (connections made before are kept by the kernel) and return the base address."""
        self._thread.start()
        return self.url

    def wait(self) -> None:
        """Return when the listener has ended."""
        self._thread.join()

    def ask_to_stop(self) -> None:
        """Begin to stop and return at once; :meth:`stop` is still needed."""
        self._server.should_exit = True

    def stop(self) -> None:
        """Stop answering and free the port; safe to call twice and before :meth:`start`."""
        self.ask_to_stop()
        if self._thread.ident is not None:
            self._thread.join(STOP_SECONDS)
            if self._thread.is_alive():
                self._server.force_exit = True
                self._thread.join(STOP_SECONDS)
        self._application.close()
        self._socket.close()

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])
