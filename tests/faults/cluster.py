# SPDX-License-Identifier: Apache-2.0
"""Three real brokers on loopback, each behind a proxy that can cut, delay and reset its connections.

    test -> Cluster -> tools/services/kafka.sh, toxiproxy.sh -> brokers
"""
import json
import os
import pathlib
import socket
import subprocess
import urllib.error
import urllib.request

SERVICES = pathlib.Path(__file__).resolve().parents[2] / "tools" / "services"
NODES = (1, 2, 3)


def free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_base():
    """A port from which on the brokers' ports and the proxy's are free."""
    for base in range(25092, 29000, 100):
        if all(free(base + 10 * node + offset) for node in range(3) for offset in range(6)) and free(base + 50):
            return base
    raise AssertionError("no free ports")


class Cluster:
    def __init__(self, folder):
        base = free_base()
        self.env = {**os.environ, "KAFKA_DIR": str(folder / "kafka"), "KAFKA_BASE_PORT": str(base), "KAFKA_HEAP": "384m",
                    "TOXIPROXY_DIR": str(folder / "toxiproxy"), "TOXIPROXY_PORT": str(base + 50)}
        self.api = f"http://127.0.0.1:{base + 50}"
        self.plain = ",".join(f"127.0.0.1:{base + 10 * (n - 1)}" for n in NODES)
        self.proxied = ",".join(f"127.0.0.1:{base + 10 * (n - 1) + 5}" for n in NODES)

    def run(self, script, *arguments):
        done = subprocess.run([str(SERVICES / script), *map(str, arguments)], env=self.env, capture_output=True, text=True,
                              timeout=240, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{script} {arguments}: {done.stderr or done.stdout}")
        return done.stdout

    def start(self):
        self.run("kafka.sh", "start", 3)
        self.run("toxiproxy.sh", "start")
        self.run("toxiproxy.sh", "kafka", 3)

    def close(self):
        for script, *arguments in (("toxiproxy.sh", "stop"), ("kafka.sh", "stop"), ("kafka.sh", "wipe")):
            subprocess.run([str(SERVICES / script), *arguments], env=self.env, capture_output=True, check=False)

    # -- brokers --

    def kill(self, node):
        self.run("kafka.sh", "kill-node", node)

    def stop(self, node):
        self.run("kafka.sh", "stop-node", node)

    def start_node(self, node):
        self.run("kafka.sh", "start-node", node)

    # -- their connections --

    def _ask(self, method, path, body=None):
        request = urllib.request.Request(self.api + path, method=method, headers={"Content-Type": "application/json"},
                                         data=None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read()

    def cut(self, node):
        self._ask("POST", f"/proxies/kafka-{node}", {"enabled": False})

    def toxic(self, node, kind, share=1.0, **attributes):
        """`share`: of the connections."""
        for stream in ("upstream", "downstream"):
            self._ask("POST", f"/proxies/kafka-{node}/toxics",
                      {"name": f"{kind}-{stream}", "type": kind, "stream": stream, "toxicity": share,
                       "attributes": attributes})

    def heal(self):
        self._ask("POST", "/reset")
