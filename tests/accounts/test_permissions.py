import pytest

from llmadmin.accounts.actors import actor_of_person, actor_of_service, command_actor, system_actor
from llmadmin.accounts.permissions import ALL, guard, may, permissions_of, require
from llmadmin.audit.actor import Actor
from llmadmin.audit.selectors import entries
from llmadmin.audit.services import acting
from llmadmin.core.errors import ForbiddenError

EDITOR = {
    *("config.view", "config.edit", "secrets.write", "own_keys.manage", "usage.view", "playground.run"),
    "traffic.switch",
}
ADMIN_SCOPE = {
    *("config.view", "config.edit", "secrets.write", "services.manage", "usage.view", "traffic.switch"),
    "audit.export",
}


def test_each_role_may_do_what_the_design_says(owner, editor, viewer):
    assert permissions_of(actor_of_person(owner)) == ALL
    assert permissions_of(actor_of_person(editor)) == EDITOR
    assert permissions_of(actor_of_person(viewer)) == {"config.view", "usage.view"}


def test_someone_who_left_may_do_nothing(owner):
    owner.is_active = False

    assert permissions_of(actor_of_person(owner)) == frozenset()


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        ([], set()),
        (["gateway:call", "usage:write"], set()),
        (["config:read"], {"config.view"}),
        (["secrets:read"], set()),
        (["usage:read"], {"usage.view"}),
        (["admin"], ADMIN_SCOPE),
    ],
)
def test_each_scope_opens_what_the_design_says(scopes, allowed):
    assert permissions_of(actor_of_service("ci", scopes=scopes)) == allowed


def test_the_command_line_and_llmadmin_itself_may_do_everything():
    assert permissions_of(command_actor()) == permissions_of(system_actor("start")) == ALL


def test_an_actor_of_no_known_kind_or_role_may_do_nothing():
    assert not may(Actor(kind="person", label="x", role="boss"), "config.view")
    assert not may(Actor(kind="robot", label="x", role="owner", scopes=frozenset({"admin"})), "config.view")


def test_a_refused_act_leaves_an_entry_and_says_who_can_help(viewer):
    with pytest.raises(ForbiddenError, match="Ask an owner or admin"):
        require(actor_of_person(viewer), "config.edit")

    entry = entries().get()
    assert (entry.was_refused, entry.actor_label, entry.object_name) == (True, "viewer@example.com", "config.edit")


def test_an_allowed_act_costs_no_query(owner, django_assert_num_queries):
    with django_assert_num_queries(0):
        require(actor_of_person(owner), "people.manage")


def test_a_permission_that_does_not_exist_is_a_mistake_of_ours(owner):
    with pytest.raises(ValueError, match=r"config\.burn"):
        require(actor_of_person(owner), "config.burn")


def test_the_floor_holds_also_where_a_face_forgot_to_ask(viewer):
    with acting(actor_of_person(viewer)), pytest.raises(ForbiddenError):
        guard("secrets.write")
