"""Completeness, by reading the source: an act that is new, or a function that writes and notes nothing, needs its line here."""

import ast
from pathlib import Path

import pytest

LLMADMIN = Path(__file__).parents[2] / "llmadmin"
NOTES = {"note", "note_now", "_note_factor"}
WRITES = {"save", "create", "delete", "update", "bulk_create", "bulk_update", "get_or_create", "update_or_create"}
ROOMS = ("accounts", "alerts", "catalog", "config", "limits", "operations", "playground", "routing", "vault")
"""Apps with something that people own. `usage` holds what programs report."""

ACTS = """
accounts/adapter.py          pre_login               sign-in          person          # refused: single sign-on only
accounts/adapter.py          _note_lock_out          lock-out         person
accounts/first_owner.py      create_first_owner      create refused   person
accounts/invitations.py      invite                  invite           person
accounts/invitations.py      withdraw                withdraw         person
accounts/invitations.py      _made_account           create           person
accounts/management/commands/reset_second_factor.py handle delete     second-factor
accounts/models.py           create_superuser        create           person
accounts/people.py           change_role             update           person
accounts/people.py           disable_person          disable          person
accounts/people.py           enable_person           enable           person
accounts/people.py           remove_person           delete           person service
accounts/people.py           sign_out_everywhere     end              session
accounts/people.py           take_second_factors     delete           second-factor
accounts/permissions.py      require                 refused          permission
accounts/personal_keys.py    issue_own_key           issue            service-key
accounts/personal_keys.py    revoke_own_key          revoke           service-key
accounts/personal_keys.py    _service_of             create           service
accounts/services.py         create_service          create           service
accounts/services.py         update_service          update           service
accounts/services.py         delete_service          delete           service
accounts/services.py         issue_key               issue            service-key
accounts/services.py         rotate_service_key      rotate           service-key
accounts/services.py         revoke_key              revoke           service-key
accounts/services.py         _found_team             create           team
accounts/sign_in_rules.py    update_sign_in_rules    update           sign-in-rules
accounts/signals.py          note_sign_in            sign-in          person
accounts/signals.py          note_sign_out           sign-out         person
accounts/signals.py          note_failed_sign_in     sign-in          person
accounts/signals.py          note_wrong_code         sign-in          second-factor
accounts/signals.py          note_factor_added       create           *
accounts/signals.py          note_factor_removed     delete           *
accounts/signals.py          note_codes_renewed      rotate           *
accounts/signals.py          _note_factor            *                second-factor
accounts/signals.py          note_password           update           person
accounts/single_sign_on.py   admitted                sign-in          person
accounts/single_sign_on.py   _by_address             create           person
accounts/single_sign_on.py   _follow_role            update           person
accounts/teams.py            create_team             create           team
accounts/teams.py            update_team             update           team
accounts/teams.py            delete_team             delete           team
alerts/services.py           create_webhook          create           webhook
alerts/services.py           update_webhook          update           webhook
alerts/services.py           renew_secret            rotate           webhook
alerts/services.py           delete_webhook          delete           webhook
alerts/services.py           send_test               test             webhook
alerts/services.py           redeliver               redeliver        webhook
api/permissions.py           require_scope           refused          scope
audit/exporting.py           begin_export            export           audit
audit/pruning.py             prune_entries           prune            audit
catalog/editing.py           add                     create           *               # provider, model, price, alias, agent
catalog/editing.py           write                   update           *
catalog/editing.py           remove                  delete           *
config/exporting.py          export_with_secrets     reveal refused   secrets
config/ownership.py          _take_over              take-over        *
config/ownership.py          _give_back              give-back        *
config/services.py           _note_refusal           refused          permission
console/account/views.py     _note_end               end              session
gateway/live.py              _audit                  read_secrets     config
gateway/live.py              _note_refusal           refused          scope
limits/services.py           stop_traffic            stop             *
limits/services.py           lift_stop               restart refused  *
operations/management/commands/backup.py  handle     backup           database
operations/management/commands/restore.py handle     restore          database
routing/services/default.py  set_default             update           *
vault/expected.py            expect_key              create           key
vault/recovery.py            fail_key                fail             key
vault/recovery.py            recover_key             recover          key
vault/rotation.py            start_rotation          start_rotation   key
vault/rotation.py            note_test               test             key
vault/rotation.py            switch                  switch           key
vault/rotation.py            _end                    *                key             # retire, cancel_rotation
vault/services.py            add_key                 create           key
vault/services.py            delete_key              delete           key
vault/services.py            set_state               update           key
vault/services.py            lock_keys               lock             key
vault/services.py            take_up_source          rotate           key
vault/services.py            _changed                rotate update    key
vault/tasks.py               note_finished           rotate           encryption-key
"""
"""Who notes what: file, function, acts, kinds of object. `*` stands for what is worked out while it runs."""

QUIET = """
accounts/models.py           create_user             whoever calls it notes why there is a new person
accounts/people.py           _set                    saves for functions that note
accounts/second_factors.py   reencrypt_second_factors  part of rotating the encryption key, which is one entry
accounts/second_factors.py   remove_second_factors   called by functions that note
accounts/services.py         note_keys_used          bookkeeping: the last use
accounts/services.py         make_key                called by functions that note
accounts/sessions.py         end_sessions            called by functions that note
accounts/sessions.py         touch                   bookkeeping: last seen
alerts/services.py           write_down              a message on its way
alerts/services.py           prune                   retention of messages
alerts/services.py           _settle                 a message on its way
alerts/services.py           _save                   saves for functions that note
config/ownership.py          note_applied            the change itself notes each object
config/ownership.py          _write                  saves for functions that note
config/services.py           operate                 writes what was noted
config/services.py           _lock                   bookkeeping: the lock
config/services.py           _finish                 writes what was noted
config/services.py           _keep                   the version
playground/pending.py        take                    a run that waits, in the cache
routing/services/targets.py  replace_targets         called by functions that note
vault/recovery.py            note_proven             bookkeeping: failures counted
vault/recovery.py            note_errors             bookkeeping: the last error
vault/reencryption.py        begin                   noted at its end
vault/reencryption.py        walk                    noted at its end
vault/rotation.py            cancel                  notes through _end
vault/rotation.py            _to_drain               called by functions that note
vault/services.py            note_keys_used          bookkeeping: the last use
vault/services.py            save_row                saves for functions that note
"""
"""Who writes and notes nothing, and why nobody misses an entry."""


def _functions():
    for path in sorted(LLMADMIN.rglob("*.py")):
        if "migrations" in path.parts:
            continue
        name = str(path.relative_to(LLMADMIN))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield name, node


def _calls(function):
    """Its calls by name, with their arguments; `partial(note_now, …)` counts as the call that it becomes."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", None) or getattr(node.func, "attr", "")
        if name == "partial" and node.args and getattr(node.args[0], "id", "") in NOTES:
            yield node.args[0].id, node.args[1:]
        else:
            yield name, node.args


def _noted():
    """{(file, function): (acts, kinds)} as the source says."""
    found = {}
    for file, function in _functions():
        for name, arguments in _calls(function):
            if name not in NOTES or file == "audit/services.py" or file.startswith("gateway/calls"):
                continue
            acts, kinds = found.setdefault((file, function.name), (set(), set()))
            first = 1 if name == "note_now" else 0
            acts |= _texts(arguments[first])
            kinds |= _texts(arguments[first + 1]) if name != "_note_factor" else {"*"}
    return found


def _texts(node):
    texts = {one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    if isinstance(node, ast.IfExp):
        texts = {node.body.value, node.orelse.value}
    return {text.replace(" ", "-") for text in texts} or {"*"}


def _lines(table):
    return [line.partition("#")[0].split() for line in table.strip().splitlines()]


def _written():
    """{(file, function)} of those in `ROOMS` that write rows and note nothing."""
    noted = _noted()
    return {
        (file, function.name)
        for file, function in _functions()
        if file.split("/")[0] in ROOMS
        and (file, function.name) not in noted
        and any(map(_is_write, ast.walk(function)))
    }


def _is_write(node):
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr not in WRITES:
        return False
    receiver = ast.unparse(node.func.value)
    return node.func.attr != "update" or ".filter(" in receiver or ".objects" in receiver  # a dict has `update` too


def test_every_act_has_its_line_and_every_line_its_act():
    table = {tuple(line[:2]): line[2:] for line in _lines(ACTS)}

    noted = {place: sorted(acts) + sorted(kinds) for place, (acts, kinds) in _noted().items()}

    assert {place: sorted(words) for place, words in table.items()} == {
        place: sorted(words) for place, words in noted.items()
    }


def test_whoever_writes_rows_notes_it_or_says_why_not():
    assert _written() == {(line[0], line[1]) for line in _lines(QUIET)}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def f(row):\n    row.save()", True),
        ("def f(row):\n    Row.objects.filter(pk=1).update(a=1)", True),
        ("def f(names):\n    names.update(a=1)", False),
        ("def f(row):\n    return row.name", False),
    ],
    ids=["a row saved", "rows updated", "a dict updated", "a row read"],
)
def test_a_write_is_seen(source, found):
    assert any(map(_is_write, ast.walk(ast.parse(source)))) is found
