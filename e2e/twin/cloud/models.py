"""The published models of the services, as botocore ships them; read when they are first needed."""

import threading
from collections.abc import Iterable

from botocore.loaders import Loader
from botocore.model import ServiceModel


class ServiceModels:
    """Reading one costs 5 (STS) to 80 ms (EC2): done once each, ahead of the first request where there is time."""

    def __init__(self) -> None:
        self._loader = Loader()
        self._lock = threading.Lock()
        self._models: dict[str, ServiceModel] = {}

    def model(self, service: str) -> ServiceModel:
        """Return the model of ``service`` (``ec2``, ``ssm``, ``sts``)."""
        with self._lock:
            if service not in self._models:
                self._models[service] = ServiceModel(self._loader.load_service_model(service, "service-2"), service)
            return self._models[service]

    def read_ahead(self, services: Iterable[str]) -> threading.Thread:
        """Read the models of ``services`` in a thread of its own, which is returned."""
        thread = threading.Thread(
            target=lambda: [self.model(service) for service in services], name="service-models", daemon=True
        )
        thread.start()
        return thread
