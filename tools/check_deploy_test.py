# SPDX-License-Identifier: Apache-2.0
"""check_deploy finds nothing in deploy/ as it is, and each mistake that is put in."""
import json
import pathlib
import shutil
import tempfile
import unittest

import check_deploy

ROOT = pathlib.Path(__file__).resolve().parent.parent


class CheckDeploy(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = pathlib.Path(scratch.name)
        for folder in ("deploy", "docs"):
            shutil.copytree(ROOT / folder, self.root / folder)
        for folder in ("src", "tools"):
            (self.root / folder).symlink_to(ROOT / folder)

    def change(self, path, old, new):
        file = self.root / path
        text = file.read_text()
        self.assertIn(old, text)
        file.write_text(text.replace(old, new, 1))

    def expect(self, findings, *words):
        findings = list(findings)
        self.assertTrue(any(all(word in finding for word in words) for finding in findings), (words, findings))

    def test_nothing_is_found_in_what_is_there(self):
        found = [*check_deploy.check_alerts(self.root, None), *check_deploy.check_dashboard(self.root, None),
                 *check_deploy.check_kubernetes(self.root), *check_deploy.check_compose(self.root),
                 *check_deploy.check_words(self.root)]
        self.assertEqual(found, [])

    def test_a_metric_that_is_not_documented(self):
        self.change("deploy/grafana/tocsin.json", "tocsin_consumer_partitions", "tocsin_consumer_parts")
        self.change("deploy/prometheus/alerts.yml", "tocsin_spans_dropped_total[10m]", "tocsin_spans_lost_total[10m]")
        self.expect(check_deploy.check_dashboard(self.root, None), "Partitions of each detector", "tocsin_consumer_parts")
        self.expect(check_deploy.check_alerts(self.root, None), "TocsinSpansDropped", "tocsin_spans_lost_total")

    def test_a_histogram_is_not_asked_for_without_its_part(self):
        self.change("deploy/grafana/tocsin.json", "tocsin_event_latency_seconds_bucket", "tocsin_event_latency_seconds")
        self.expect(check_deploy.check_dashboard(self.root, None), "tocsin_event_latency_seconds,")

    def test_an_alert_that_nobody_explains_or_tests(self):
        self.change("docs/operations.md", "### TocsinDown", "### Down")
        self.expect(check_deploy.check_alerts(self.root, None), "### TocsinDown")
        self.change("deploy/prometheus/alerts.yml", "alert: TocsinNoEvents", "alert: TocsinSilence")
        self.expect(check_deploy.check_alerts(self.root, None), "TocsinSilence has no test")

    def test_panels_that_lie_on_each_other(self):
        path = self.root / "deploy/grafana/tocsin.json"
        dashboard = json.loads(path.read_text())
        dashboard["panels"][2]["gridPos"] = dashboard["panels"][1]["gridPos"]
        path.write_text(json.dumps(dashboard))
        self.expect(check_deploy.check_dashboard(self.root, None), "lies on")

    def test_manifests_that_do_not_fit_together(self):
        self.change("deploy/kubernetes/detect.yaml", "path: /readyz", "path: /ready")
        self.change("deploy/kubernetes/produce.yaml", "claimName: tocsin-logs", "claimName: logs")
        self.change("deploy/kubernetes/scaledobject.yaml", "kind: StatefulSet", "kind: Deployment")
        found = list(check_deploy.check_kubernetes(self.root))
        self.expect(found, "readinessProbe")
        self.expect(found, "PersistentVolumeClaim logs")
        self.expect(found, "Deployment tocsin-detect")

    def test_a_compose_file_that_does_not_fit_together(self):
        self.change("deploy/compose.yaml", "./grafana/tocsin.json:", "./grafana/other.json:")
        self.change("deploy/compose.yaml", '"127.0.0.1:3000:3000"', '"3000:3000"')
        self.change("deploy/prometheus/prometheus.yml", "detect:9464", "detector:9464")
        found = list(check_deploy.check_compose(self.root))
        self.expect(found, "other.json")
        self.expect(found, "grafana opens port")
        self.expect(found, "detector:9464")

    def test_options_and_variables_that_the_program_does_not_have(self):
        self.change("deploy/systemd/tocsin-produce@.service", "--follow", "--tail")
        self.change("deploy/package/tocsin.env", "TOCSIN_METRICS", "TOCSIN_METRIC")
        found = list(check_deploy.check_words(self.root))
        self.expect(found, "--tail")
        self.expect(found, "TOCSIN_METRIC ")

    def test_a_unit_that_may_do_more_than_it_must(self):
        if check_deploy.run("systemd-analyze", "--version").returncode != 0:
            self.skipTest("no systemd-analyze")
        unit = self.root / "deploy/systemd/tocsin-detect.service"
        unit.write_text("\n".join(line for line in unit.read_text().splitlines()
                                  if not line.startswith(("Protect", "SystemCall", "Capability", "Private"))))
        self.expect(check_deploy.check_units(self.root), "tocsin-detect.service", "more exposed")


if __name__ == "__main__":
    unittest.main()
