"""The guide "When the encryption key is lost", followed to the letter."""

from __future__ import annotations

import base64
import re
import secrets
from pathlib import Path

from llmadmin.simulator.server import SimulatorServer
from tests.journeys.stand import HELLO, UPSTREAM_KEY, furnish
from tests.live.server import ROOT, ServerProcess

GUIDE = ROOT / "docs/how-to/when-the-encryption-key-is-lost.md"


def test_g11_the_guide_for_a_lost_encryption_key_leads_back_to_calls_that_are_answered(
    simulator: SimulatorServer, tmp_path: Path
) -> None:
    lost = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    with ServerProcess(LLMADMIN_ENCRYPTION_KEY=lost) as server:
        stand = furnish(server, simulator)
        alias, service_key = stand.alias(), stand.service("gateway:call")
        server.stop()

        # 1. a new key; the server says why it does not start under it
        fresh = server.run("doctor", "--new-key").strip().splitlines()[-1]
        server.environ["LLMADMIN_ENCRYPTION_KEY"] = fresh
        refused = server.command("serve", "--port", str(server.port))
        # 2. the configuration as a file, 3. with the text of the key beside its label
        file = tmp_path / "keys.yaml"
        server.run("export", str(file))
        text = file.read_text()
        filled = re.sub(r"(\n( *)label: main)", r'\1\n\2api_key: "${SIM_API_KEY}"', text)
        file.write_text(filled)
        # 4. apply it, and look
        applied = server.command("apply", str(file), SIM_API_KEY=UPSTREAM_KEY)
        checked = server.command("doctor")
        server.start()
        answer = stand.client(service_key).chat.completions.create(model=alias, messages=HELLO)

    assert refused.returncode != 0
    assert "opens none of the 1 stored API keys" in refused.stderr + refused.stdout
    assert filled != text
    assert applied.returncode == 0, applied.stderr
    assert "can't be read" not in checked.stdout
    assert answer.choices[0].message.content


def test_the_guide_names_commands_that_there_are() -> None:
    named = set(re.findall(r"llmadmin ([a-z-]+)", GUIDE.read_text(encoding="utf-8")))

    assert {"doctor", "export", "apply", "rotate-encryption-key"} <= named
