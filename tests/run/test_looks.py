"""Looks at the hosts: one command for all of them, what fails on one is written down, a crash is never swallowed."""

from typing import Any

import pytest

from e2e.clients.errors import Unavailable
from e2e.hosts.errors import AccessDenied, NotManaged, OutputCorrupt, Throttled
from e2e.run.looks import HostLooks, Launch
from e2e.run.stages import StageBook
from e2e.run.waiting import Interrupted

TENANT_HOST, CONCIERGE_HOST = "i-0000000000000000a", "i-0000000000000000c"


@pytest.fixture
def stage(make_stage: Any) -> Any:
    return make_stage()


@pytest.fixture
def book(stage: Any) -> Any:
    book = StageBook(stage.run.journal, stage.run.pacing)
    for name in ("provisioned", "tenant_ready", "concierge_found"):
        book.record(name, "established", "there", evidence=("x",))
    return book


@pytest.fixture
def looks(stage: Any, hosts: Any) -> Any:
    looks = HostLooks(stage.run, hosts)
    yield looks
    looks.close()


def test_one_look_is_one_command_for_all_hosts_and_is_saved(stage: Any, book: Any, looks: Any, hosts: Any) -> None:
    looks.reach_in_background(book)
    looks.take("hold over", launch=None)
    assert hosts.commands_sent == 1
    (look,) = looks.seen()
    assert (look.trigger, look.wired, look.presence) == ("hold over", True, "true")
    assert (stage.run.bundle.folder / look.evidence).is_file()
    assert stage.data("hosts")[0]["hosts"][0]["instance_id"] == TENANT_HOST


def test_the_first_look_is_taken_once_and_without_waiting(book: Any, looks: Any, hosts: Any) -> None:
    looks.take_first_in_background()
    assert looks.seen() == ()
    looks.reach_in_background(book)
    looks.take_first_in_background()
    looks.take_first_in_background()
    looks.take("hold over", launch=None)
    assert [look.trigger for look in looks.seen()] == ["row left provisioning", "hold over"]


def test_a_launching_look_carries_the_name_and_is_never_sent_twice(book: Any, looks: Any, hosts: Any) -> None:
    looks.reach_in_background(book)
    looks.take("agent's turn over", launch=Launch("mine"))
    assert hosts.requests[0]["launch"]["arguments"]["name"] == "mine"
    assert looks.seen()[0].launch is not None


def test_what_may_get_better_is_waited_for(book: Any, looks: Any, hosts: Any, stage: Any) -> None:
    hosts.troubles = [NotManaged("not yet", instance_id=TENANT_HOST), Unavailable("control-plane-unavailable", "GET")]
    looks.reach_in_background(book)
    assert looks.reachable()
    assert any("ssm-not-managed" in line for line in stage.said)
    assert looks.trouble is None


def test_what_cannot_get_better_ends_the_branch(book: Any, looks: Any, hosts: Any) -> None:
    hosts.troubles = [AccessDenied("ssm:SendCommand")]
    looks.reach_in_background(book)
    assert not looks.reachable()
    looks.take("hold over", launch=None)
    looks.take_first_in_background()
    assert looks.seen() == ()
    assert hosts.commands_sent == 0


def test_before_anybody_tried_nothing_is_reachable(looks: Any) -> None:
    assert not looks.reachable()


def test_a_host_that_fails_leaves_the_other_ones_facts(stage: Any, book: Any, looks: Any, hosts: Any) -> None:
    hosts.failing = {TENANT_HOST: OutputCorrupt("half of it", instance_id=TENANT_HOST)}
    looks.reach_in_background(book)
    looks.take("hold over", launch=None)
    (look,) = looks.seen()
    assert look.registry is None
    assert look.presence == "true"
    assert stage.data("look_failed")[0]["cause"] == "ssm-output-corrupt"
    assert looks.trouble.cause == "ssm-output-corrupt"


def test_a_command_that_does_not_go_through_fails_on_every_host(stage: Any, book: Any, looks: Any, hosts: Any) -> None:
    hosts.run_error = Throttled("too many")
    looks.reach_in_background(book)
    looks.take("hold over", launch=None)
    assert looks.seen() == ()
    assert [data["instance_id"] for data in stage.data("look_failed")] == [TENANT_HOST, CONCIERGE_HOST]


def test_an_answer_that_is_no_look_is_a_crash_of_the_probe(stage: Any, book: Any, looks: Any, hosts: Any) -> None:
    hosts._look = lambda *_: {"version": 99}
    looks.reach_in_background(book)
    looks.take("hold over", launch=None)
    assert {data["cause"] for data in stage.data("look_failed")} == {"probe-crashed"}


def test_a_crash_in_a_look_reaches_whoever_waits_for_it(book: Any, looks: Any, hosts: Any) -> None:
    hosts.run_error = ZeroDivisionError("a bug of ours")
    looks.reach_in_background(book)
    with pytest.raises(ZeroDivisionError):
        looks.take("hold over", launch=None)


def test_a_crash_in_the_background_reaches_whoever_takes_the_next_look(book: Any, looks: Any, hosts: Any) -> None:
    usual = hosts.run

    def crash_once(*given: Any, **rest: Any) -> Any:
        hosts.run = usual
        raise ZeroDivisionError("a bug of ours")

    hosts.run = crash_once
    looks.reach_in_background(book)
    looks.take_first_in_background()
    with pytest.raises(ZeroDivisionError):
        looks.take("hold over", launch=None)


def test_a_crash_on_the_way_to_the_hosts_reaches_whoever_asks(book: Any, looks: Any, hosts: Any) -> None:
    hosts.troubles = [ZeroDivisionError("a bug of ours")]
    looks.reach_in_background(book)
    with pytest.raises(ZeroDivisionError):
        looks.reachable()


def test_an_interruption_ends_the_way_to_the_hosts(stage: Any, book: Any, looks: Any) -> None:
    stage.run.pacing.request()
    looks.reach_in_background(book)
    with pytest.raises(Interrupted):
        looks.reachable()


def test_a_look_is_told_in_a_line(stage: Any, book: Any, looks: Any, hosts: Any) -> None:
    hosts.failing = {
        TENANT_HOST: OutputCorrupt("x", instance_id=TENANT_HOST),
    }
    hosts.concierge = {"settings": None}
    looks.reach_in_background(book)
    looks.take("hold over", launch=None)
    assert stage.said[-1] == "look 1 (hold over): neither concierge nor registry log"
    hosts.failing = {}
    hosts.concierge = {}
    looks.take("agent's turn over", launch=Launch("mine"))
    assert stage.said[-1] == (
        "look 2 (agent's turn over): settings ok, wired; presence true; launch reached done; 0 refusals in 0 log lines"
    )
