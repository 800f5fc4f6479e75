import pytest

from llmadmin.accounts.models import Service, Team
from llmadmin.accounts.services import create_service
from llmadmin.accounts.teams import create_team, delete_team, update_team
from llmadmin.audit.selectors import entries
from llmadmin.core.errors import ConflictError, ForbiddenError, InUseError, InvalidError, StaleError

MANAGE = "services.manage"


@pytest.fixture
def team(owner, editor, change_by):
    with change_by(owner, permission=MANAGE):
        return create_team(slug="search", name="Search", members=["EDITOR@example.com"])


def test_a_team_has_services_and_members(owner, editor, team, change_by):
    with change_by(owner, permission=MANAGE):
        create_service(name="indexer", scopes=["gateway:call"], team="search")

    assert [service.name for service in team.services.all()] == ["indexer"]
    assert list(editor.teams.all()) == [team]


def test_members_come_and_go_and_both_are_noted(owner, viewer, team, change_by):
    with change_by(owner, permission=MANAGE):
        update_team(team, members=["viewer@example.com"])

    entry = entries(action="update", object_type="team").get()
    assert (entry.before, entry.after) == ({"members": ["editor@example.com"]}, {"members": ["viewer@example.com"]})


def test_a_team_with_services_stays_and_says_which(owner, team, change_by):
    with change_by(owner, permission=MANAGE):
        create_service(name="indexer", scopes=["gateway:call"], team="search")

    with pytest.raises(InUseError) as refused, change_by(owner, permission=MANAGE):
        delete_team(team)

    assert refused.value.dependents == ["service indexer"]
    assert Service.objects.get(name="indexer").team == team


def test_an_empty_team_goes(owner, team, change_by):
    with change_by(owner, permission=MANAGE):
        delete_team(team)

    assert not Team.objects.exists()


def test_a_save_over_somebody_else_s_is_refused(owner, team, change_by):
    with change_by(owner, permission=MANAGE):
        update_team(team, expected_revision=1, name="Search and discovery")

    with pytest.raises(StaleError), change_by(owner, permission=MANAGE):
        update_team(team, expected_revision=1, name="Mine")


def test_an_editor_makes_no_team(editor, change_by):
    with pytest.raises(ForbiddenError), change_by(editor, permission="config.view"):
        create_team(slug="mine")


def test_two_teams_do_not_share_a_name(owner, team, change_by):
    with pytest.raises(ConflictError), change_by(owner, permission=MANAGE):
        create_team(slug="search")


@pytest.mark.parametrize(
    "fields",
    [
        {"slug": "Not a slug"},
        {"slug": ""},
        {"slug": "x", "members": ["nobody@example.com"]},
        {"slug": "x", "members": "a"},
    ],
    ids=["spaces", "empty", "a stranger", "no list"],
)
def test_what_is_no_team_is_refused(owner, change_by, fields):
    with pytest.raises(InvalidError), change_by(owner, permission=MANAGE):
        create_team(**fields)
