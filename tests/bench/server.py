#!/usr/bin/env python3
"""An API server with as many made-up clusters as one wants, to measure a console against. It stores nothing.

  server.py CLUSTERS [--fat BYTES] [--port PORT]   prints its address, and serves until it is ended

Each cluster has three instances and two Database objects, ten clusters share a namespace. `--fat` puts so many bytes of
managed fields into each object (12,000 is what real ones have). Lists come in the pages that are asked for, or streamed; the
bytes of a page are made once. Permissions are given, secrets and streams into pods are not there.

  GET /tick?rate=N      so many pods change in a second (0 at the start)
  GET /mark?text=TAG    c-0 gets another image of pgvector, with this tag; says when, in seconds of the monotonic clock
  GET /counts           requests so far, and changes so far
"""
import argparse
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PG = "/apis/postgresql.cnpg.io/v1"
CLUSTERS, PODS, DATABASES = f"{PG}/clusters", "/api/v1/pods", f"{PG}/databases"
STAMP = "2026-11-26T08:00:00Z"
IMAGE = "registry.example/postgresql:18.6-minimal-trixie"
TAG = "0.8.5-18-trixie"
# Where the text of an object goes on with what the size asks for.
MANAGED, RESTARTS, VERSION = '"managedFields":[]', '"restartCount":0', '"resourceVersion":"1"'


def entries(tag):
    return [
        {"name": "pgvector", "image": {"reference": f"registry.example/pgvector:{tag}"}},
        {"name": "hstore", "image": {"reference": "registry.example/hstore:1.8-18-trixie"}},
    ]


def managed(size):
    """Managed fields of about so many bytes, as text."""
    fields = {f"f:field{number}": {"f:name": {}, "f:value": {}} for number in range(max(size - 200, 0) // 48)}
    spec = {"f:postgresql": {"f:extensions": {}}, **fields}
    return '"managedFields":' + text([{"manager": "kubectl", "operation": "Apply", "time": STAMP, "apiVersion": "v1",
                                       "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": spec}}])


def text(value):
    return json.dumps(value, separators=(",", ":"))


def metadata(namespace, name, more):
    return {"name": name, "namespace": namespace, "uid": f"uid-{namespace}-{name}", "resourceVersion": "1", "generation": 1,
            "creationTimestamp": STAMP, "managedFields": [], **more}


def cluster(number, tag=TAG):
    namespace, name = f"ns-{number // 10}", f"c-{number}"
    names = [f"{name}-{one}" for one in (1, 2, 3)]
    return text({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": metadata(namespace, name, {}),
        "spec": {"instances": 3, "imageName": IMAGE, "storage": {"size": "1Gi"}, "postgresql": {"extensions": entries(tag)}},
        "status": {"phase": "Cluster in healthy state", "instances": 3, "readyInstances": 3, "currentPrimary": names[0],
                   "targetPrimary": names[0], "image": IMAGE, "instanceNames": names,
                   "pgDataImageInfo": {"image": IMAGE, "majorVersion": 18, "extensions": entries(tag)}},
    })


def pod(number, one):
    namespace, name = f"ns-{number // 10}", f"c-{number}"
    labels = {"cnpg.io/cluster": name, "cnpg.io/podRole": "instance", "cnpg.io/instanceName": f"{name}-{one}",
              "cnpg.io/instanceRole": "primary" if one == 1 else "replica"}
    mounts = [{"name": f"ext-{entry['name']}", "mountPath": f"/extensions/{entry['name']}"} for entry in entries(TAG)]
    volumes = [{"name": f"ext-{entry['name']}", "image": entry["image"]} for entry in entries(TAG)]
    state = {"name": "postgres", "ready": True, "restartCount": 0, "image": IMAGE, "state": {"running": {"startedAt": STAMP}}}
    more = {"labels": labels, "annotations": {"cnpg.io/operatorVersion": "1.30.0"}}
    return text({
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata(namespace, f"{name}-{one}", more),
        "spec": {"nodeName": "node-1", "volumes": volumes,
                 "containers": [{"name": "postgres", "image": IMAGE, "volumeMounts": mounts}]},
        "status": {"phase": "Running", "containerStatuses": [state],
                   "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": STAMP}]},
    })


def database(number, database):
    namespace, name = f"ns-{number // 10}", f"c-{number}"
    names = ["vector", "hstore"]
    return text({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Database", "metadata": metadata(namespace, f"{name}-{database}", {}),
        "spec": {"cluster": {"name": name}, "name": database, "owner": "app", "extensions": [{"name": one} for one in names]},
        "status": {"applied": True, "observedGeneration": 1, "extensions": [{"name": one, "applied": True} for one in names]},
    })


class Store:
    """All objects as text, made once, and the changes of them."""

    def __init__(self, clusters, size):
        self.managed = managed(size) if size else MANAGED
        numbers = range(clusters)
        self.lists = {
            CLUSTERS: [self.whole(cluster(number)) for number in numbers],
            PODS: [self.whole(pod(number, one)) for number in numbers for one in (1, 2, 3)],
            DATABASES: [self.whole(database(number, name)) for number in numbers for name in ("app", "ledger")],
            f"{PG}/imagecatalogs": [],
            f"{PG}/clusterimagecatalogs": [],
        }
        self.pages = {}
        self.clusters, self.rate, self.requests = clusters, 0, 0
        self.version, self.changed, self.lock = 1, [], threading.Condition()

    def whole(self, object):
        return object.replace(MANAGED, self.managed, 1).encode()

    def page(self, path, first, limit):
        """The bytes of a page: its beginning, which has the version of this moment, and its objects."""
        objects, key = self.lists[path], (path, first, limit)
        last = min(first + limit, len(objects)) if limit else len(objects)
        if key not in self.pages:
            self.pages[key] = b",".join(objects[first:last]) + b"]}"
        more = f',"continue":"{last}"' if last < len(objects) else ""
        return f'{{"metadata":{{"resourceVersion":"{self.version}"{more}}},"items":['.encode(), self.pages[key]

    def change(self, path, object):
        """A newer version of an object, for the watches of its kind. The lock is held."""
        self.version += 1
        object = object.replace(VERSION, f'"resourceVersion":"{self.version}"', 1)
        self.changed.append((self.version, path, b'{"type":"MODIFIED","object":' + self.whole(object) + b"}\n"))
        del self.changed[:-5000]
        self.lock.notify_all()

    def mark(self, tag):
        """Gives the first cluster an image with this tag. When that was."""
        with self.lock:
            self.change(CLUSTERS, cluster(0, tag))
            return time.monotonic()

    def tick(self):
        """Changes pods at the rate that was asked for."""
        number, due = 0, time.monotonic()
        while True:
            with self.lock:
                if not self.rate:
                    self.lock.wait(0.2)
                    due = time.monotonic()
                    continue
                number = (number + 7) % self.clusters
                self.change(PODS, pod(number, 1).replace(RESTARTS, f'"restartCount":{self.version}', 1))
                due += 1 / self.rate
            time.sleep(max(due - time.monotonic(), 0))

    def since(self, path, version):
        """Changes of a kind after a version, and the version now. The lock is held."""
        news = []
        for changed, kind, line in reversed(self.changed):
            if changed <= version:
                break
            if kind == path:
                news.append(line)
        return b"".join(reversed(news)), self.version


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # A head and a body in two packets would wait for each other.
    disable_nagle_algorithm = True
    store = None

    def log_message(self, *_):
        pass

    def answer(self, *parts, status=200):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(sum(len(part) for part in parts)))
        self.end_headers()
        for part in parts:
            self.wfile.write(part)

    def say(self, value, status=200):
        self.answer(text(value).encode(), status=status)

    def do_POST(self):
        self.store.requests += 1
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or "{}")
        if "accessreviews" not in self.path:
            return self.is_not_there()
        self.say({**asked, "status": {"allowed": True}}, 201)

    def is_not_there(self):
        self.say({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "message": "not found",
                  "code": 404}, 404)

    def do_GET(self):
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        store = self.store
        if url.path == "/counts":
            return self.say({"requests": store.requests, "changes": store.version - 1})
        if url.path == "/mark":
            return self.say(store.mark(query["text"]))
        if url.path == "/tick":
            with store.lock:
                store.rate = int(query["rate"])
                store.lock.notify_all()
            return self.say({})
        store.requests += 1
        if url.path == "/version":
            return self.say({"major": "1", "minor": "36", "gitVersion": "v1.36.3"})
        if url.path in store.lists:
            if query.get("watch"):
                return self.watch(url.path, int(query.get("resourceVersion", store.version)), "sendInitialEvents" in query)
            return self.answer(*store.page(url.path, int(query.get("continue", 0)), int(query.get("limit", 0))))
        if url.path == "/api/v1/namespaces/kube-system":
            return self.say({"kind": "Namespace", "metadata": {"name": "kube-system", "uid": "made-up"}})
        if url.path.startswith("/api/v1/namespaces/") and "/events" not in url.path:
            return self.is_not_there()
        self.say({"items": [], "metadata": {}})

    def initial(self, path, version, chunk=200):
        """All objects as events, in chunks, and the version that they are of."""
        store = self.store
        objects = store.lists[path]
        for first in range(0, len(objects), chunk):
            yield b"".join(b'{"type":"ADDED","object":' + one + b"}\n" for one in objects[first:first + chunk])
        whole = {"resourceVersion": str(version), "annotations": {"k8s.io/initial-events-end": "true"}}
        yield text({"type": "BOOKMARK", "object": {"metadata": whole}}).encode() + b"\n"

    def watch(self, path, seen, streams):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        store, beat = self.store, time.monotonic()

        def send(news):
            self.wfile.write(f"{len(news):x}\r\n".encode() + news + b"\r\n")

        try:
            if streams:
                seen = store.version
                for news in self.initial(path, seen):
                    send(news)
            while True:
                with store.lock:
                    news, seen = store.since(path, seen)
                    if not news:
                        store.lock.wait(10)
                        news, seen = store.since(path, seen)
                # As a real server does: a sign of life each minute.
                if time.monotonic() > beat + 60:
                    beat = time.monotonic()
                    news += text({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(seen)}}}).encode() + b"\n"
                if news:
                    send(news)
        except OSError:
            self.close_connection = True


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        """A client that has ended does not wait for its answer."""


def main():
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("clusters", type=int)
    reader.add_argument("--fat", type=int, default=0)
    reader.add_argument("--port", type=int, default=0)
    asked = reader.parse_args()
    Handler.store = Store(asked.clusters, asked.fat)
    server = Server(("127.0.0.1", asked.port), Handler)
    threading.Thread(target=Handler.store.tick, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
