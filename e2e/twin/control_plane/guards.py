"""Who may call the control plane: the admin with its token, tenants with the shared secret (docs/platform.md, auth)."""

from collections.abc import Callable

from e2e.twin.control_plane.estate import Estate
from e2e.twin.identities import same_token
from e2e.twin.wire import Answer, Call, RefusedError

EstateHandler = Callable[[Estate, Call], Answer]


def for_admin(handler: EstateHandler) -> EstateHandler:
    """Demand the admin token before ``handler`` sees the call; 401 without."""

    def guarded(estate: Estate, call: Call) -> Answer:
        known = same_token(call.bearer(), estate.secrets.admin)
        if not known or estate.switch.acts("control-plane-unauthorized", f"{call.method} {call.path}"):
            raise RefusedError(401, "unauthorized")
        return handler(estate, call)

    return guarded


def for_tenants(handler: EstateHandler) -> EstateHandler:
    """Demand the secret that tenants share with the control plane; 401 without."""

    def guarded(estate: Estate, call: Call) -> Answer:
        if not same_token(call.bearer(), estate.secrets.shared):
            raise RefusedError(401, "unauthorized")
        return handler(estate, call)

    return guarded
