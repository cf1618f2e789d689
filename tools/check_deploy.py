#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what is in deploy/ without running it: that it is well-formed, that its parts agree with each other and with the
program. Prints one `path: what` a finding and ends with status 1 when there is one.

    tools/check_deploy.py [ROOT]

Alert rules, their tests and the dashboard's expressions are checked by promtool (tools/services/prometheus.sh install), units by
systemd-analyze, compose file and manifests by their schemas (tools/peers/schemas.sh install); what is not installed is told.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

METRIC = re.compile(r"\b(?:tocsin|process)_[a-z_]+\b")
DOCUMENTED = re.compile(r"^\| `((?:tocsin|process)_[a-z_]+)` \| (counter|gauge|histogram) \|", re.M)
# What Grafana puts in place of its variables.
GRAFANA = {"$__rate_interval": "5m", "$__interval": "1m", "$__range": "1h", "$job": ".*", "$instance": ".*"}
UNIT_EXPOSURE_MAX = 20  # of systemd-analyze security, in tenths


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)


def documented_metrics(root):
    """Names that a query may use: histograms by their parts."""
    names = set()
    for name, kind in DOCUMENTED.findall((root / "docs/metrics.md").read_text()):
        names |= {name + part for part in ("_bucket", "_sum", "_count")} if kind == "histogram" else {name}
    return names


def unknown_metrics(expression, names):
    without_labels = re.sub(r'"[^"]*"', '""', expression)
    return sorted(set(METRIC.findall(without_labels)) - names)


# ---- Prometheus and Grafana ---------------------------------------------------------------------------


def promtool(root):
    script = str(root / "tools/services/prometheus.sh")
    return [script, "promtool"] if run(script, "promtool", "--version").returncode == 0 else None


def check_alerts(root, tool):
    rules_path = root / "deploy/prometheus/alerts.yml"
    names = documented_metrics(root)
    rules = [rule for group in yaml.safe_load(rules_path.read_text())["groups"] for rule in group["rules"]]
    operations = (root / "docs/operations.md").read_text()
    tests = (root / "deploy/prometheus/alerts_test.yml").read_text()
    for rule in rules:
        alert = rule["alert"]
        for name in unknown_metrics(rule["expr"], names):
            yield f"{rules_path}: {alert} asks for {name}, which docs/metrics.md does not have"
        if rule["annotations"].get("runbook") != f"docs/operations.md#{alert.lower()}":
            yield f"{rules_path}: {alert}: its runbook is docs/operations.md#{alert.lower()}"
        if not re.search(rf"^### {alert}$", operations, re.M):
            yield f"docs/operations.md: no '### {alert}' tells what to do"
        if alert not in tests:
            yield f"deploy/prometheus/alerts_test.yml: {alert} has no test"
        if rule["labels"].get("severity") not in ("page", "ticket"):
            yield f"{rules_path}: {alert}: severity is page or ticket"
    if not tool:
        return
    for command, name in (("check", "alerts.yml"), ("test", "alerts_test.yml")):
        done = run(*tool, command, "rules", name, cwd=rules_path.parent)
        if done.returncode != 0:
            yield f"deploy/prometheus/{name}: {done.stdout}{done.stderr}"


def targets_of(dashboard):
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel, target["expr"]


def check_dashboard(root, tool):
    path = root / "deploy/grafana/tocsin.json"
    dashboard, names = json.loads(path.read_text()), documented_metrics(root)
    variables = {v["name"] for v in dashboard["templating"]["list"]}
    ids = [panel["id"] for panel in dashboard["panels"]]
    if len(ids) != len(set(ids)):
        yield f"{path}: two panels have the same id"
    taken = {}
    expressions = []
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        if place["x"] + place["w"] > 24:
            yield f"{path}: '{panel['title']}' is wider than the page"
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                if taken.setdefault((x, y), panel["title"]) != panel["title"]:
                    yield f"{path}: '{panel['title']}' lies on '{taken[x, y]}'"
                    break
        if panel["type"] != "row" and not panel.get("targets"):
            yield f"{path}: '{panel['title']}' asks nothing"
    for panel, expression in targets_of(dashboard):
        for name in unknown_metrics(expression, names):
            yield f"{path}: '{panel['title']}' asks for {name}, which docs/metrics.md does not have"
        for variable in re.findall(r"\$(\w+)", expression):
            if variable not in variables and "$" + variable not in GRAFANA:
                yield f"{path}: '{panel['title']}' has no variable ${variable}"
        for variable, value in GRAFANA.items():
            expression = expression.replace(variable, value)
        expressions.append((panel["title"], expression))
    if tool:
        yield from check_expressions(path, tool, expressions)


def check_expressions(path, tool, expressions):
    """promtool parses them as recording rules."""
    rules = [{"record": f"dashboard:expression:{n}", "expr": e} for n, (_, e) in enumerate(expressions)]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
        file.flush()
        done = run(*tool, "check", "rules", file.name)
    if done.returncode != 0:
        yield f"{path}: {done.stdout}{done.stderr}"


# ---- units --------------------------------------------------------------------------------------------


def check_units(root):
    if run("systemd-analyze", "--version").returncode != 0:
        return
    folder = root / "deploy/systemd"
    with tempfile.TemporaryDirectory() as scratch:
        for unit in sorted(folder.glob("*.service")):
            name = unit.name.replace("@", "@logs")
            copy = pathlib.Path(scratch) / name
            # The program is not installed where this is checked, nor is its manual page.
            text = unit.read_text().replace("/usr/bin/tocsin", "/bin/true")
            copy.write_text(re.sub(r"^Documentation=.*\n", "", text, flags=re.M))
            done = run("systemd-analyze", "verify", "--man=no", str(copy))
            said = [l for l in done.stderr.splitlines() if name in l]
            if done.returncode != 0 or said:
                yield f"{unit}: " + "; ".join(said or [done.stderr.strip()])
            done = run("systemd-analyze", "security", "--offline=true", f"--threshold={UNIT_EXPOSURE_MAX}", str(copy))
            if done.returncode != 0:
                worst = done.stdout.strip().splitlines()[-1:] or [done.stderr.strip()]
                yield f"{unit}: more exposed than {UNIT_EXPOSURE_MAX / 10}: {worst[0]}"


# ---- compose and Kubernetes ---------------------------------------------------------------------------


def manifests(root):
    for path in sorted((root / "deploy/kubernetes").glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            yield path, document


def check_kubernetes(root):
    folder = root / "deploy/kubernetes"
    listed = set(yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"])
    there = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
    for name in sorted(listed ^ there):
        yield f"{folder}/kustomization.yaml: {name} is not in the folder, or not in this list"
    names, used = set(), []
    for path, document in manifests(root):
        kind, name = document["kind"], document.get("metadata", {}).get("name")
        names.add((kind, name))
        template = document.get("spec", {}).get("template", {}) if kind in ("Deployment", "StatefulSet") else {}
        if not template:
            continue
        labels = template["metadata"]["labels"]
        if document["spec"]["selector"]["matchLabels"] != labels:
            yield f"{path}: {name}: the selector does not choose its own pods"
        volumes = {v["name"] for v in template["spec"].get("volumes", [])}
        volumes |= {v["metadata"]["name"] for v in document["spec"].get("volumeClaimTemplates", [])}
        for volume in template["spec"].get("volumes", []):
            used += [("ConfigMap", volume["configMap"]["name"])] if "configMap" in volume else []
            if "persistentVolumeClaim" in volume:
                used.append(("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]))
        for container in template["spec"]["containers"]:
            ports = {p["name"]: p["containerPort"] for p in container.get("ports", [])}
            for probe in ("livenessProbe", "readinessProbe"):
                get = container.get(probe, {}).get("httpGet", {})
                if get.get("port") not in ports or get.get("path") != {"l": "/healthz", "r": "/readyz"}[probe[0]]:
                    yield f"{path}: {name}: {probe} asks the wrong path or port"
            if {m["name"] for m in container["volumeMounts"]} - volumes:
                yield f"{path}: {name}: a volume is mounted that there is not"
            for source in container.get("envFrom", []):
                used += [("ConfigMap", source["configMapRef"]["name"])] if "configMapRef" in source else \
                    [("Secret", source["secretRef"]["name"])]
            if "memory" not in container["resources"].get("limits", {}):
                yield f"{path}: {name}: no limit of memory"
        if kind == "StatefulSet":
            used.append(("Service", document["spec"]["serviceName"]))
    for path, document in manifests(root):
        if document["kind"] == "ScaledObject":
            target = document["spec"]["scaleTargetRef"]
            used.append((target["kind"], target["name"]))
    for wanted in used:
        if wanted not in names:
            yield f"{folder}: there is no {wanted[0]} {wanted[1]}"


def check_compose(root):
    path = root / "deploy/compose.yaml"
    compose = yaml.safe_load(path.read_text())
    services, volumes = compose["services"], set(compose["volumes"])
    for name, service in services.items():
        for other in service.get("depends_on", []):
            if other not in services:
                yield f"{path}: {name} waits for {other}, which is not there"
            elif isinstance(service["depends_on"], dict) and "healthcheck" not in services[other] and \
                    service["depends_on"][other]["condition"] == "service_healthy":
                yield f"{path}: {name} waits until {other} is healthy, which nobody checks"
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                if not (path.parent / source).exists():
                    yield f"{path}: {name} mounts {source}, which is not there"
            elif source not in volumes:
                yield f"{path}: {name}: no volume {source}"
        for port in service.get("ports", []):
            if not port.startswith("127.0.0.1:"):
                yield f"{path}: {name} opens port {port} to the network"
        if ":" not in service["image"] and "build" not in service:
            yield f"{path}: {name}: an image without a version"
    scraped = yaml.safe_load((root / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"]
    for job in scraped:
        for target in (t for c in job["static_configs"] for t in c["targets"]):
            host = target.split(":")[0]
            if host not in services and host != "localhost":
                yield f"deploy/prometheus/prometheus.yml: {target} is no service of {path}"
        for name in (n for c in job.get("dns_sd_configs", []) for n in c["names"]):
            if name not in services:
                yield f"deploy/prometheus/prometheus.yml: {name} is no service of {path}"


def check_schemas(root):
    script = str(root / "tools/peers/schemas.sh")
    if run(script, "installed").returncode != 0:
        return
    files = [str(p) for p in sorted((root / "deploy/kubernetes").glob("*.yaml"))]
    done = run(script, "check", str(root / "deploy/compose.yaml"), *files)
    if done.returncode != 0:
        yield (done.stdout + done.stderr).strip()


# ---- options and variables ----------------------------------------------------------------------------


def used_words(root):
    """Every TOCSIN_ variable and every option that deploy/ gives the program."""
    for path in sorted((root / "deploy").rglob("*")):
        if not path.is_file() or path.suffix == ".json" or path.name == "README.md":
            continue
        text = path.read_text()
        for word in sorted(set(re.findall(r"\bTOCSIN_[A-Z_]*[A-Z]\b", text))):
            yield path, word
        for line in text.splitlines():
            if re.search(r"ExecStart=/usr/bin/tocsin|^\s+(args|command): \[.*(detect|produce|store)", line):
                for word in re.findall(r"(?<![\w-])--[a-z][a-z-]*", line):
                    yield path, word


def check_words(root):
    """The sources name each option as CLI11 gets it, and each variable as envname()."""
    known = {"TOCSIN_INPUTS", "TOCSIN_CONFIG", "--config"}
    for path in (root / "src/app/cli").rglob("*.cc"):
        text = path.read_text()
        known |= set(re.findall(r'"(TOCSIN_[A-Z_]+)"', text)) | set(re.findall(r"[\",](--[a-z][a-z-]*)", text))
    for path, word in used_words(root):
        if word not in known:
            yield f"{path}: {word} is nothing that the program knows"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent)
    tool = promtool(root)
    if not tool:
        print("no promtool: alert rules and expressions were not parsed (tools/services/prometheus.sh install)")
    findings = []
    for check in (check_units, check_kubernetes, check_compose, check_schemas, check_words):
        findings += check(root)
    for check in (check_alerts, check_dashboard):
        findings += check(root, tool)
    for finding in findings:
        print(finding.replace(str(root) + os.sep, ""))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
