#!/usr/bin/env python3
"""An API server with as many made-up clusters as one wants, to measure a console against. It stores nothing.

  server.py CLUSTERS [--fat BYTES] [--port PORT]   prints its address, and serves until it is ended

Each cluster has three instances and two Database objects, ten clusters share a namespace. `--fat` puts so many bytes of
managed fields into each object (12,000 is what real ones have). Lists come in the pages that are asked for. A watch changes
one pod each tick of `GET /tick?rate=N` (changes a second, 0 at the start).
"""
import argparse
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PG = "/apis/postgresql.cnpg.io/v1"
STAMP = "2026-11-26T08:00:00Z"
IMAGE = "registry.example/postgresql:18.6-minimal-trixie"
ENTRIES = [
    {"name": "pgvector", "image": {"reference": "registry.example/pgvector:0.8.5-18-trixie"}},
    {"name": "hstore", "image": {"reference": "registry.example/hstore:1.8-18-trixie"}},
]


def managed(size):
    """Managed fields of about so many bytes."""
    fields = {f"f:field{number}": {"f:name": {}, "f:value": {}} for number in range(max(size - 200, 0) // 48)}
    spec = {"f:postgresql": {"f:extensions": {}}, **fields}
    return [{"manager": "kubectl", "operation": "Apply", "time": STAMP, "apiVersion": "v1", "fieldsType": "FieldsV1",
             "fieldsV1": {"f:spec": spec}}]


def metadata(namespace, name, more, size):
    return {"name": name, "namespace": namespace, "uid": f"uid-{namespace}-{name}", "resourceVersion": "1", "generation": 1,
            "creationTimestamp": STAMP, "managedFields": managed(size), **more}


def cluster(number, size):
    namespace, name = f"ns-{number // 10}", f"c-{number}"
    names = [f"{name}-{one}" for one in (1, 2, 3)]
    return {
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": metadata(namespace, name, {}, size),
        "spec": {"instances": 3, "imageName": IMAGE, "storage": {"size": "1Gi"}, "postgresql": {"extensions": ENTRIES}},
        "status": {"phase": "Cluster in healthy state", "instances": 3, "readyInstances": 3, "currentPrimary": names[0],
                   "targetPrimary": names[0], "image": IMAGE, "instanceNames": names,
                   "pgDataImageInfo": {"image": IMAGE, "majorVersion": 18, "extensions": ENTRIES}},
    }


def pods(number, size):
    namespace, name = f"ns-{number // 10}", f"c-{number}"
    for one in (1, 2, 3):
        role = "primary" if one == 1 else "replica"
        labels = {"cnpg.io/cluster": name, "cnpg.io/podRole": "instance", "cnpg.io/instanceRole": role,
                  "cnpg.io/instanceName": f"{name}-{one}"}
        mounts = [{"name": f"ext-{entry['name']}", "mountPath": f"/extensions/{entry['name']}"} for entry in ENTRIES]
        volumes = [{"name": f"ext-{entry['name']}", "image": entry["image"]} for entry in ENTRIES]
        state = {"name": "postgres", "ready": True, "restartCount": 0, "image": IMAGE, "state": {"running": {"startedAt": STAMP}}}
        yield {
            "apiVersion": "v1", "kind": "Pod",
            "metadata": metadata(namespace, f"{name}-{one}",
                                 {"labels": labels, "annotations": {"cnpg.io/operatorVersion": "1.30.0"}}, size),
            "spec": {"nodeName": "node-1", "volumes": volumes,
                     "containers": [{"name": "postgres", "image": IMAGE, "volumeMounts": mounts}]},
            "status": {"phase": "Running", "containerStatuses": [state],
                       "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": STAMP}]},
        }


def databases(number, size):
    namespace, name = f"ns-{number // 10}", f"c-{number}"
    for database in ("app", "ledger"):
        extensions = [{"name": "vector"}, {"name": "hstore"}]
        applied = [{"name": extension["name"], "applied": True} for extension in extensions]
        yield {
            "apiVersion": "postgresql.cnpg.io/v1", "kind": "Database", "metadata": metadata(namespace, f"{name}-{database}", {}, size),
            "spec": {"cluster": {"name": name}, "name": database, "owner": "app", "extensions": extensions},
            "status": {"applied": True, "observedGeneration": 1, "extensions": applied},
        }


class Store:
    """All objects as text, made once."""

    def __init__(self, clusters, size):
        def texts(objects):
            return [json.dumps(one, separators=(",", ":")) for one in objects]

        numbers = range(clusters)
        self.lists = {
            f"{PG}/clusters": texts(cluster(number, size) for number in numbers),
            "/api/v1/pods": texts(pod for number in numbers for pod in pods(number, size)),
            f"{PG}/databases": texts(one for number in numbers for one in databases(number, size)),
            f"{PG}/imagecatalogs": [],
            f"{PG}/clusterimagecatalogs": [],
        }
        self.clusters, self.size, self.rate = clusters, size, 0
        self.version, self.changed, self.lock = 1, [], threading.Condition()

    def tick(self):
        """Changes pods at the rate that was asked for."""
        number = 0
        while True:
            with self.lock:
                if not self.rate:
                    self.lock.wait(0.2)
                    continue
                self.version += 1
                number = (number + 7) % self.clusters
                pod = next(iter(pods(number, self.size)))
                pod["metadata"]["resourceVersion"] = str(self.version)
                pod["status"]["containerStatuses"][0]["restartCount"] = self.version
                self.changed.append((self.version, json.dumps({"type": "MODIFIED", "object": pod}, separators=(",", ":"))))
                del self.changed[:-5000]
                self.lock.notify_all()
            time.sleep(1 / self.rate)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store = None

    def log_message(self, *_):
        pass

    def answer(self, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(json.dumps({**asked, "status": {"allowed": True}}))

    def do_GET(self):
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/tick":
            with self.store.lock:
                self.store.rate = int(query["rate"])
                self.store.lock.notify_all()
            return self.answer("{}")
        if url.path == "/version":
            return self.answer('{"major":"1","minor":"36","gitVersion":"v1.36.3"}')
        if url.path in self.store.lists:
            return self.watch(url.path) if query.get("watch") else self.list(self.store.lists[url.path], query)
        if url.path.startswith("/api/v1/namespaces/"):
            return self.answer(json.dumps({"kind": "Namespace", "metadata": {"name": "kube-system", "uid": "made-up"}}))
        return self.answer('{"items":[],"metadata":{}}')

    def list(self, objects, query):
        first = int(query.get("continue", 0))
        last = first + int(query["limit"]) if "limit" in query else len(objects)
        more = f',"continue":"{last}"' if last < len(objects) else ""
        self.answer(f'{{"metadata":{{"resourceVersion":"1"{more}}},"items":[{",".join(objects[first:last])}]}}')

    def watch(self, path):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        seen = self.store.version
        try:
            while True:
                with self.store.lock:
                    self.store.lock.wait(30)
                    events = [text for version, text in self.store.changed if version > seen]
                    seen = self.store.version
                if path == "/api/v1/pods" and events:
                    body = ("\n".join(events) + "\n").encode()
                    self.wfile.write(f"{len(body):x}\r\n".encode() + body + b"\r\n")
                    self.wfile.flush()
        except OSError:
            self.close_connection = True


def main():
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("clusters", type=int)
    reader.add_argument("--fat", type=int, default=0)
    reader.add_argument("--port", type=int, default=0)
    asked = reader.parse_args()
    Handler.store = Store(asked.clusters, asked.fat)
    server = ThreadingHTTPServer(("127.0.0.1", asked.port), Handler)
    server.daemon_threads = True
    threading.Thread(target=Handler.store.tick, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
