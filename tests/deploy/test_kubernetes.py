"""What deploy/kubernetes renders to is valid, locked down, and means something to the agent."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml

from agent import __version__
from agent.cli import build_parser
from agent.config import Settings, load_settings
from agent.waivers import load_waivers
from controls.fixes.catalog import FIXES
from tests.deploy.manifests import (
    CUSTOM,
    KUBERNETES,
    Manifest,
    agent_of,
    arguments,
    container,
    environment,
    image_of,
    of_kind,
    part,
    pods,
    rendered,
    renderer,
)
from tests.deploy.test_image_files import variables

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "deploy.md"

FOLDERS = ("base", "overlays/irsa", "overlays/pod-identity", "overlays/complete")

RELEASES = ("1.28", "1.37")
"""The oldest that docs/deploy.md promises, and the newest there are schemas of."""

every_folder = pytest.mark.parametrize("folder", FOLDERS)


# ---------------------------------------------------------------- valid


def test_every_overlay_there_is_gets_tested() -> None:
    overlays = {f"overlays/{path.name}" for path in (KUBERNETES / "overlays").iterdir()}

    assert {"base", *overlays} == set(FOLDERS)


def test_every_component_there_is_gets_rendered() -> None:
    used = " ".join(path.read_text() for path in KUBERNETES.glob("overlays/*/kustomization.yaml"))
    components = {path.name for path in (KUBERNETES / "components").iterdir()}

    assert {name for name in components if f"components/{name}\n" not in used} == set()


@every_folder
@pytest.mark.parametrize("release", RELEASES)
def test_every_manifest_is_valid_and_has_no_unknown_field(folder: str, release: str) -> None:
    for one in rendered(folder):
        if one["kind"] in CUSTOM:
            assert one["apiVersion"] == "monitoring.coreos.com/v1"
            jsonschema.validate(one["spec"], CUSTOM[one["kind"]])
        else:
            kubernetes_validate.validate(one, release, strict=True)


@every_folder
def test_no_two_manifests_have_one_name(folder: str) -> None:
    names = [(one["kind"], one["metadata"]["name"]) for one in rendered(folder)]

    assert len(names) == len(set(names))


def test_the_base_leaves_the_namespace_to_whoever_uses_it() -> None:
    assert [one["kind"] for one in rendered("base") if "namespace" in one["metadata"]] == []


def test_the_base_needs_no_custom_resources() -> None:
    assert {one["apiVersion"] for one in rendered("base")} == {
        "v1",
        "apps/v1",
        "networking.k8s.io/v1",
    }


@every_folder
def test_no_secret_is_written_down(folder: str) -> None:
    assert of_kind(folder, "Secret") == []


# ---------------------------------------------------------------- pods


@every_folder
def test_every_image_is_ours_by_its_version(folder: str) -> None:
    for template in pods(folder):
        name, _, tag = container(template)["image"].rpartition(":")
        assert name.rpartition("/")[2] == image_of(template)
        assert tag == __version__


@every_folder
def test_every_pod_is_restricted_as_the_pod_security_standards_demand(folder: str) -> None:
    for template in pods(folder):
        pod, own = template["spec"]["securityContext"], container(template)["securityContext"]
        assert (pod["runAsNonRoot"], pod["runAsUser"]) == (True, 10001)
        assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
        assert own == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert template["spec"]["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(template["spec"])


@every_folder
def test_no_pod_takes_the_role_of_its_node_nor_the_variables_of_services(folder: str) -> None:
    for template in pods(folder):
        assert environment(template)["AWS_EC2_METADATA_DISABLED"] == "true"
        assert template["spec"]["enableServiceLinks"] is False


@every_folder
def test_memory_has_a_limit_and_cpu_has_none(folder: str) -> None:
    for template in pods(folder):
        resources = container(template)["resources"]
        assert set(resources["requests"]) == {"cpu", "memory"}
        assert set(resources["limits"]) == {"memory"}


@every_folder
def test_the_agent_is_one_with_a_volume_and_time_to_end(folder: str) -> None:
    spec = agent_of(folder)["spec"]
    (claim,) = spec["volumeClaimTemplates"]
    mounts = {one["name"]: one["mountPath"] for one in container(spec["template"])["volumeMounts"]}

    assert spec["replicas"] == 1
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert mounts[claim["metadata"]["name"]] == variables()["TRAILKEEPER_STATE_DIRECTORY"]
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] > 10


@every_folder
def test_the_configuration_is_mounted_as_a_folder_that_follows_changes(folder: str) -> None:
    (config,) = of_kind(folder, "ConfigMap")
    for template in pods(folder):
        assert [one for one in container(template)["volumeMounts"] if "subPath" in one] == []
        assert config["metadata"]["name"] == "trailkeeper"  # no hash that changes behind it
        assert {"name": "config", "configMap": {"name": "trailkeeper"}} in template["spec"][
            "volumes"
        ]


@every_folder
def test_every_path_that_is_given_lies_in_something_that_is_mounted(folder: str) -> None:
    for template in pods(folder):
        volumes = {one["name"] for one in template["spec"]["volumes"]} | {"state"}
        mounts = [one["mountPath"] for one in container(template)["volumeMounts"]]
        given = [*container(template)["args"], *(e["value"] for e in container(template)["env"])]
        paths = [text for text in given if text.startswith("/")]
        assert paths
        assert [path for path in paths if not path.startswith(tuple(f"{m}/" for m in mounts))] == []
        assert {one["name"] for one in container(template)["volumeMounts"]} <= volumes


# ---------------------------------------------------------------- what it means to the agent


def settings_of(folder: str, template: Manifest, into: Path) -> Settings:
    """The settings that a pod comes to, from its ConfigMap and its variables."""
    (config,) = of_kind(folder, "ConfigMap")
    for name, text in config["data"].items():
        (into / name).write_text(text, encoding="utf-8")
    return load_settings(into / "trailkeeper.yaml", environment(template))


@every_folder
def test_configuration_and_variables_are_settings(folder: str, tmp_path: Path) -> None:
    for template in pods(folder):
        settings = settings_of(folder, template, tmp_path)
        assert settings.regions
        assert settings.waivers == tmp_path / "waivers.yaml"
        assert load_waivers(settings.waivers) == ()


@every_folder
def test_the_arguments_are_options_and_name_the_configuration(folder: str) -> None:
    for template in pods(folder):
        args = build_parser().parse_args(arguments(template))
        assert args.config == "/etc/trailkeeper/trailkeeper.yaml"
        assert args.check == (part(template) == "check")


@every_folder
def test_probes_ask_what_is_served_and_as_it_is_served(folder: str, tmp_path: Path) -> None:
    template = agent_of(folder)["spec"]["template"]
    settings = settings_of(folder, template, tmp_path)
    (port,) = container(template)["ports"]
    probes = {
        name: container(template)[f"{name}Probe"]["httpGet"]
        for name in ("startup", "liveness", "readiness")
    }

    assert {name: one["path"] for name, one in probes.items()} == {
        "startup": "/healthz",
        "liveness": "/healthz",
        "readiness": "/readyz",
    }
    assert settings.http.listen == ("0.0.0.0", port["containerPort"])
    assert {one["port"] for one in probes.values()} == {port["name"]}
    tls = settings.http.tls_certificate is not None
    assert {one.get("scheme", "HTTP") for one in probes.values()} == {"HTTPS" if tls else "HTTP"}


def test_where_the_agent_remediates_it_is_allowed_something_and_can_be_stopped(
    tmp_path: Path,
) -> None:
    folder = "overlays/complete"
    template = agent_of(folder)["spec"]["template"]
    settings = settings_of(folder, template, tmp_path)
    mounts = {one["mountPath"] for one in container(template)["volumeMounts"]}

    assert build_parser().parse_args(container(template)["args"]).remediate
    assert set(settings.remediation.fixes) <= set(FIXES)
    assert settings.remediation.fixes
    assert settings.remediation.kill_switch is not None
    assert str(settings.remediation.kill_switch.parent) in mounts
    assert settings.remediation.role


@pytest.mark.parametrize("folder", [one for one in FOLDERS if one != "overlays/complete"])
def test_nothing_is_changed_without_the_component(folder: str) -> None:
    for template in pods(folder):
        assert not build_parser().parse_args(arguments(template)).remediate


def test_the_complete_overlay_serves_tls_asks_for_a_token_and_keeps_its_history_in_postgresql(
    tmp_path: Path,
) -> None:
    folder = "overlays/complete"
    settings = settings_of(folder, agent_of(folder)["spec"]["template"], tmp_path)

    assert settings.http.tls_key is not None
    assert settings.http.token_file is not None
    assert settings.store.url_file == Path("/etc/trailkeeper-store/url")


# ---------------------------------------------------------------- network


@every_folder
def test_the_service_finds_the_agent_alone(folder: str) -> None:
    (service,) = of_kind(folder, "Service")
    found = [
        part(template)
        for template in pods(folder)
        if service["spec"]["selector"].items() <= template["metadata"]["labels"].items()
    ]

    assert found == ["agent"]
    assert agent_of(folder)["spec"]["serviceName"] == service["metadata"]["name"]
    (port,) = service["spec"]["ports"]
    assert port["targetPort"] == container(agent_of(folder)["spec"]["template"])["ports"][0]["name"]


WAYS_OUT = {
    "base": [("UDP", 53), ("TCP", 53), ("TCP", 443)],
    "overlays/irsa": [("UDP", 53), ("TCP", 53), ("TCP", 443)],
    "overlays/pod-identity": [("UDP", 53), ("TCP", 53), ("TCP", 443), ("TCP", 80)],
    "overlays/complete": [("UDP", 53), ("TCP", 53), ("TCP", 443), ("TCP", 5432)],
}


@every_folder
def test_the_network_is_closed_but_for_what_is_needed(folder: str) -> None:
    (policy,) = of_kind(folder, "NetworkPolicy")
    spec = policy["spec"]
    out = [(port["protocol"], port["port"]) for rule in spec["egress"] for port in rule["ports"]]
    (way_in,) = spec["ingress"]

    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert out == WAYS_OUT[folder]
    assert way_in["ports"] == [{"protocol": "TCP", "port": 9712}]
    assert way_in["from"]
    for template in pods(folder):
        wanted = spec["podSelector"]["matchLabels"]
        assert wanted.items() <= template["metadata"]["labels"].items()


def test_pod_identity_reaches_its_agent_and_no_other_address_without_tls() -> None:
    (policy,) = of_kind("overlays/pod-identity", "NetworkPolicy")
    (rule,) = [one for one in policy["spec"]["egress"] if one["ports"][0]["port"] == 80]

    assert [to["ipBlock"]["cidr"] for to in rule["to"]] == ["169.254.170.23/32", "fd00:ec2::23/128"]


@pytest.mark.parametrize("folder", ["overlays/irsa", "overlays/pod-identity", "overlays/complete"])
def test_the_monitor_finds_the_service_and_keeps_our_labels(folder: str) -> None:
    (monitor,) = of_kind(folder, "ServiceMonitor")
    (service,) = of_kind(folder, "Service")
    (endpoint,) = monitor["spec"]["endpoints"]

    wanted = monitor["spec"]["selector"]["matchLabels"]
    assert wanted.items() <= service["metadata"]["labels"].items()
    assert endpoint["port"] == service["spec"]["ports"][0]["name"]
    assert endpoint["honorLabels"] is True
    assert (endpoint.get("scheme") == "https") == (folder == "overlays/complete")


# ---------------------------------------------------------------- alert rules, secrets


def test_the_manifest_of_the_rules_is_the_generated_one(tmp_path: Path) -> None:
    """`make manifests` was run after the last change of deploy/prometheus/rules.yml."""
    kept = KUBERNETES / "components" / "prometheus-operator" / "prometheusrule.yaml"
    script = (KUBERNETES / "prometheusrule.py").read_text(encoding="utf-8")
    copy = tmp_path / "kubernetes" / "components" / "prometheus-operator"
    copy.mkdir(parents=True)
    (tmp_path / "prometheus").mkdir()
    shutil.copy(ROOT / "deploy" / "prometheus" / "rules.yml", tmp_path / "prometheus")
    (tmp_path / "kubernetes" / "prometheusrule.py").write_text(script, encoding="utf-8")
    subprocess.run([sys.executable, tmp_path / "kubernetes" / "prometheusrule.py"], check=True)

    assert (copy / kept.name).read_text(encoding="utf-8") == kept.read_text(encoding="utf-8")


def test_the_operator_gets_the_very_rules_of_the_file() -> None:
    (rule,) = of_kind("overlays/irsa", "PrometheusRule")
    text = (ROOT / "deploy" / "prometheus" / "rules.yml").read_text(encoding="utf-8")

    assert rule["spec"] == yaml.safe_load(text)


def test_promtool_takes_the_rules_as_they_are_rendered(tmp_path: Path) -> None:
    if not shutil.which("promtool") and not os.environ.get("CI"):
        pytest.skip("promtool is not on the PATH: apt-get install prometheus")
    (rule,) = of_kind("overlays/complete", "PrometheusRule")
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump(rule["spec"]), encoding="utf-8")
    done = subprocess.run(
        ["promtool", "check", "rules", file], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_the_overlay_of_the_document_renders_with_rules_of_ones_own(tmp_path: Path) -> None:
    if renderer() is None:
        rendered("base")  # says what is missing
    blocks = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    (overlay,) = [block for block in blocks if block.startswith("apiVersion: kustomize")]
    (rules,) = [block for block in blocks if block.startswith("configMapGenerator")]
    joined, more = yaml.safe_load(overlay), yaml.safe_load(rules)
    for key in ("configMapGenerator", "patches"):
        joined[key] += more[key]
    shutil.copytree(KUBERNETES, tmp_path / "trailkeeper" / "deploy" / "kubernetes")
    for name in ("trailkeeper.yaml", "waivers.yaml", "our-clusters-log-to-s3.yaml"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    joined["resources"] = [f"../{one}" for one in joined["resources"]]
    ours = tmp_path / "ours"
    ours.mkdir()
    for file in tmp_path.glob("*.yaml"):
        file.rename(ours / file.name)
    (ours / "kustomization.yaml").write_text(yaml.safe_dump(joined), encoding="utf-8")
    done = subprocess.run(
        [*(renderer() or ()), str(ours)], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    manifests = {one["kind"]: one for one in yaml.safe_load_all(done.stdout)}
    template = manifests["StatefulSet"]["spec"]["template"]
    assert (
        container(template)["image"] == f"registry.example.com/platform/trailkeeper:{__version__}"
    )
    assert {"name": "our-rules", "mountPath": "/etc/our-rules", "readOnly": True} in container(
        template
    )["volumeMounts"]


def test_the_document_says_how_to_make_every_secret() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    text = json.dumps(rendered("overlays/complete"))
    named = {"trailkeeper-tls", "trailkeeper-token", "trailkeeper-store"}

    assert {name for name in named if name not in text} == set()
    assert {
        name for name in named if f"kubectl create secret generic {name}" not in document
    } == set()


def test_every_folder_that_the_document_names_exists() -> None:
    words = DOCUMENT.read_text(encoding="utf-8").replace("`", " ").replace("(", " ").split()
    named = {word.strip(".,:;)") for word in words if word.startswith("deploy/")}

    assert named
    assert {name for name in named if not (ROOT / name).exists()} == set()
