"""A small Hub on loopback, for the real client: model info, tree, files, ranges, uploads, tags.

It speaks what huggingface_hub 2.4 asks: large files are redirected to a store that knows ranges
and carries their sha256 as ETag, small ones are answered directly with their git hash. Faults are
put in front of the answers by the tests.
"""

import base64
import dataclasses
import hashlib
import http.server
import json
import re
import threading
import urllib.parse
from collections.abc import Callable

LARGE = (".h5", ".npz", ".png")
_API = r"/api/models/([^/]+/[^/]+?)(?:/(revision|tree)/(.+?))?/?"


def git_hash(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclasses.dataclass
class Fault:
    """Answer requests that match ``pattern`` in another way, ``times`` times.

    ``act`` gets the handler and what would have been sent: a file's content, or b"".
    """

    pattern: str
    act: Callable[["_Handler", bytes], None]
    times: int = 1_000


class HubServer:
    def __init__(self):
        self.commits: dict[str, dict[str, dict[str, bytes]]] = {}
        self.refs: dict[tuple[str, str], str] = {}
        self.store: dict[str, bytes] = {}
        self.pull_requests: list[str] = []
        self.faults: list[Fault] = []
        self.log: list[str] = []
        self.tokens: list[str | None] = []
        self.lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"hub": self})
        # Two addresses of the loopback: the Hub keeps large files on another host than itself.
        self._servers = [
            http.server.ThreadingHTTPServer((address, 0), handler)
            for address in ("127.0.0.1", "127.0.0.2")
        ]
        self.url, self.store_url = (
            f"http://{running.server_address[0]}:{running.server_port}" for running in self._servers
        )
        for running in self._servers:
            running.daemon_threads = True
            threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        for running in self._servers:
            running.shutdown()
            running.server_close()

    def add(self, repo: str, files: dict[str, bytes], ref: str = "main") -> str:
        """Commit files; return the commit."""
        lines = [
            f"{repo}/{name} {hashlib.sha256(data).hexdigest()}" for name, data in files.items()
        ]
        commit = hashlib.sha1("\n".join(sorted(lines)).encode()).hexdigest()
        self.commits.setdefault(repo, {})[commit] = dict(files)
        self.refs[repo, ref] = commit
        self.store |= {hashlib.sha256(data).hexdigest(): data for data in files.values()}
        return commit

    def fail(self, pattern: str, act: Callable, times: int = 1_000) -> None:
        self.faults.append(Fault(pattern, act, times))

    def requests(self, pattern: str) -> list[str]:
        return [line for line in self.log if re.search(pattern, line)]

    def take_fault(self, line: str) -> Fault | None:
        with self.lock:
            self.log.append(line)
            for fault in self.faults:
                if fault.times and re.search(fault.pattern, line):
                    fault.times -= 1
                    return fault
        return None


class _Handler(http.server.BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments) -> None:
        pass

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True  # The client left, as some tests want it to.

    def reply(self, status: int, body: bytes = b"", **headers) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def reply_json(self, value, status: int = 200, **headers) -> None:
        self.reply(status, json.dumps(value).encode(), Content_Type="application/json", **headers)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        quoted = urllib.parse.urlsplit(self.path).path
        path = urllib.parse.unquote(quoted)
        self.hub.tokens.append(self.headers.get("Authorization"))
        spans = self.headers.get("Range", "")
        fault = self.hub.take_fault(f"{self.command} {path} {spans}".strip())
        match = re.fullmatch(r"/store/(\w+)", path)
        body = self.hub.store.get(match[1], b"") if match else b""
        if fault:
            fault.act(self, body)
        elif match:
            self._store(body, match[1], spans)
        elif match := re.fullmatch(
            r"/api/models/([^/]+/[^/]+?)(?:/(revision|tree)/(.+?))?/?", path
        ):
            self._api(*match.groups())
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", quoted):
            self._resolve(*map(urllib.parse.unquote, match.groups()))
        else:
            self.reply_json({"error": "unknown"}, 404)

    def _commit(self, repo: str, revision: str | None) -> str | None:
        if repo not in self.hub.commits:
            self.reply_json({"error": "Repository not found"}, 404, X_Error_Code="RepoNotFound")
            return None
        commit = self.hub.refs.get((repo, revision or "main"), revision)
        if commit not in self.hub.commits[repo]:
            self.reply_json({"error": "no revision"}, 404, X_Error_Code="RevisionNotFound")
            return None
        return commit

    def _api(self, repo: str, kind: str | None, revision: str | None) -> None:
        commit = self._commit(repo, revision)
        if commit is None:
            return
        files = self.hub.commits[repo][commit]
        if kind != "tree":
            siblings = [{"rfilename": name} for name in files]
            self.reply_json({"id": repo, "sha": commit, "siblings": siblings, "private": False})
            return
        entries = []
        for name, data in files.items():
            entry = {"type": "file", "path": name, "size": len(data), "oid": git_hash(data)}
            if name.endswith(LARGE):
                digest = hashlib.sha256(data).hexdigest()
                entry["lfs"] = {"oid": digest, "size": len(data), "pointerSize": 130}
            entries.append(entry)
        self.reply_json(entries)

    def _resolve(self, repo: str, revision: str, name: str) -> None:
        commit = self._commit(repo, revision)
        if commit is None:
            return
        data = self.hub.commits[repo][commit].get(name)
        if data is None:
            self.reply(404, X_Error_Code="EntryNotFound", X_Repo_Commit=commit)
        elif name.endswith(LARGE):
            digest = hashlib.sha256(data).hexdigest()
            self.reply(
                302,
                Location=f"{self.hub.store_url}/store/{digest}",
                X_Linked_Etag=f'"{digest}"',
                X_Linked_Size=len(data),
                X_Repo_Commit=commit,
            )
        else:
            self.reply(200, data, ETag=f'"{git_hash(data)}"', X_Repo_Commit=commit)

    def _store(self, body: bytes, digest: str, spans: str) -> None:
        if match := re.fullmatch(r"bytes=(\d+)-", spans):
            start = int(match[1])
            span = f"bytes {start}-{len(body) - 1}/{len(body)}"
            self.reply(206, body[start:], ETag=f'"{digest}"', Content_Range=span)
        else:
            self.reply(200, body, ETag=f'"{digest}"', Accept_Ranges="bytes")

    # Publishing -------------------------------------------------------------------------------

    def do_PUT(self) -> None:
        body = self._body()
        self.hub.take_fault(f"PUT {self.path}")
        self.hub.store[hashlib.sha256(body).hexdigest()] = body
        self.reply(200)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def do_POST(self) -> None:
        body, hub = self._body(), self.hub
        url = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(url.path)
        fault = hub.take_fault(f"POST {path}")
        if fault:
            fault.act(self, b"")
        elif path == "/api/repos/create":
            request = json.loads(body)
            repo = f"{request['organization']}/{request['name']}"
            known = repo in hub.commits
            if not known:
                hub.add(repo, {".gitattributes": b"*.h5 filter=lfs\n"})
            self.reply_json({"url": f"{hub.url}/{repo}"}, 409 if known else 200)
        elif path == "/api/validate-yaml":
            self.reply_json({"errors": [], "warnings": []})
        elif match := re.fullmatch(r"/api/models/(.+)/preupload/(.+)", path):
            files = [file["path"] for file in json.loads(body)["files"]]
            modes = {name: "lfs" if name.endswith(LARGE) else "regular" for name in files}
            answer = [{"path": n, "uploadMode": m, "shouldIgnore": False} for n, m in modes.items()]
            self.reply_json({"files": answer})
        elif path.endswith(".git/info/lfs/objects/batch"):
            objects = [
                {**o, "actions": {"upload": {"href": f"{hub.store_url}/put/{o['oid']}"}}}
                for o in json.loads(body)["objects"]
            ]
            self.reply_json({"objects": objects, "transfer": "basic"})
        elif match := re.fullmatch(r"/api/models/(.+)/commit/(.+)", path):
            self._receive(match[1], match[2], body, is_request="create_pr=1" in url.query)
        elif match := re.fullmatch(r"/api/models/(.+)/tag/(.+)", path):
            tag = json.loads(body)["tag"]
            hub.refs[match[1], tag] = hub.refs.get((match[1], match[2]), match[2])
            self.reply_json({})
        else:
            self.reply_json({"error": "unknown"}, 404)

    def _receive(self, repo: str, revision: str, body: bytes, is_request: bool) -> None:
        hub = self.hub
        files = dict(hub.commits[repo][hub.refs[repo, revision]])
        for line in body.splitlines():
            operation = json.loads(line)
            value = operation["value"]
            if operation["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif operation["key"] == "lfsFile":
                files[value["path"]] = hub.store[value["oid"]]
            elif operation["key"] == "deletedFile":
                del files[value["path"]]
        ref = revision
        if is_request:
            ref = f"refs/pr/{len(hub.pull_requests) + 1}"
            hub.pull_requests.append(ref)
        commit = hub.add(repo, files, ref)
        answer = {
            "success": True,
            "commitOid": commit,
            "commitUrl": f"{hub.url}/{repo}/commit/{commit}",
        }
        if is_request:
            number = ref.rpartition("/")[2]
            answer["pullRequestUrl"] = f"{hub.url}/{repo}/discussions/{number}"
        self.reply_json(answer)
