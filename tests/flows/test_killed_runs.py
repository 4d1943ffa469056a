"""A run killed in the middle of any step and started again ends where an undisturbed run does."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flows.chains import NEXT, NIGHT, Chain, business_state
from tests.flows.victims import Order, Point, plain

HOUSE = Path(__file__).parents[2]
WRITTEN, ADDED = "lib.adapters.lake:Lake.replace", "lib.adapters.lake:Lake.append"
MODELS = "mlflow:MlflowClient"
DEATHS: dict[str, tuple[str, list[Point]]] = {
    "a night at the lake": (
        "daily",
        [Point(WRITTEN, "sales"), Point(WRITTEN, "verdicts"), Point(ADDED, "publications")],
    ),
    "a night around its mails": (
        "daily",
        [
            Point(ADDED, "syncs", nth=6),
            Point(WRITTEN, "forecasts"),
            Point("lib.adapters.mailbox:Outbox.send"),
            Point(ADDED, "deliveries", nth=3),
            Point(WRITTEN, "scores"),
        ],
    ),
    "a training": (
        "train",
        [
            *(Point(f"{MODELS}.{call}") for call in ("create_run", "log_artifacts", "create_model_version")),
            Point(ADDED, "receipts"),
            Point(ADDED, "model_decisions"),
            Point(f"{MODELS}.set_registered_model_alias"),
        ],
    ),
    "a return to the model before": ("rollback", [Point(f"{MODELS}.set_registered_model_alias")]),
}
"""Flow, and after which call it dies each time that it is started again, before it may run to its end."""
BEFORE = {"rollback": ["train"]}
"""What runs undisturbed before a flow."""
TRAINS = ("train", "rollback")
Ended = dict[str, tuple[Chain, list[int]]]


@pytest.fixture(scope="session")
def ended(first_night: Chain, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """Each chain after its runs, with how each of them ended; under the name of a flow, one that nobody killed."""
    runs: dict[str, tuple[str, list[Point]]] = {flow: (flow, []) for flow in ("daily", *TRAINS)} | DEATHS
    chains, orders = {}, []
    for name, (flow, deaths) in runs.items():
        chain = chains[name] = Chain(tmp_path_factory.mktemp("killed"), {"FOURNIL_SEED": "2"} if flow in TRAINS else {})
        shutil.copytree(first_night.root, chain.root, dirs_exist_ok=True)
        as_of = (NIGHT if flow in TRAINS else NEXT).isoformat()
        before = [Order(chain.environment, each, as_of) for each in BEFORE.get(flow, [])]
        orders.append([*before, *(Order(chain.environment, flow, as_of, death) for death in (*deaths, None))])
    run = subprocess.run(
        [sys.executable, "-m", "tests.flows.victims"],
        input=plain(orders),
        env={**os.environ, "PREFECT_API_URL": _server()},
        cwd=HOUSE,
        text=True,
        stdout=subprocess.PIPE,
        check=True,
    )
    codes = json.loads(run.stdout.splitlines()[-1])
    return dict(zip(chains, zip(chains.values(), codes, strict=True), strict=True))


def _server() -> str:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        return str(client.api_url)


@pytest.mark.parametrize("deaths", DEATHS)
def test_runs_killed_and_started_again_end_as_an_undisturbed_one(ended: Ended, deaths: str) -> None:
    chain, codes = ended[deaths]
    flow, points = DEATHS[deaths]
    assert codes == [*(0 for _ in BEFORE.get(flow, [])), *(-signal.SIGKILL for _ in points), 0]
    undisturbed, _ = ended[flow]
    assert business_state(chain) == business_state(undisturbed)
    assert versions(chain) == versions(undisturbed)
    assert decisions(chain) == decisions(undisturbed)


def decisions(chain: Chain) -> list[tuple[str, str | None, str]]:
    """The ledger of models in order."""
    return chain.table("model_decisions").sort("decided_at").select("model", "replaced", "decision").rows()


def versions(chain: Chain) -> list[tuple[str, str, str | None, bool]]:
    """Versions of the registry with the hash of their files, their standing, and which one is in use."""
    from mlflow import MlflowClient

    from lib.adapters.registry import CONTENT_TAG, STANDING_TAG

    client = MlflowClient(tracking_uri=f"sqlite:///{chain.home}/mlflow.db")
    used = client.get_model_version_by_alias("fournil", "champion").version
    found = client.search_model_versions("name = 'fournil'")
    return sorted(
        (str(each.version), each.tags[CONTENT_TAG], each.tags.get(STANDING_TAG), each.version == used) for each in found
    )
