"""The web page: files that the build left in `dashboard/static`, and index.html for its routes."""

import gzip
from pathlib import Path
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from dashboard.problems import Problem, problem_response

# The build names these by their content.
HASHED_FOLDER: Final = "assets/"
IMMUTABLE: Final = "public, max-age=31536000, immutable"
ASK_AGAIN: Final = "no-cache"
# Half a megabyte for the first screen, and a third of it packed; a village's line is slow.
# By what they are called: a machine's own list of types may have another for scripts.
_PACKED_TYPES: Final = {".js": "text/javascript", ".css": "text/css"}
# What belongs to machines answers them in their language, even when it is not there.
_MACHINE_PREFIXES: Final = ("api/", "metrics", "healthz", "readyz", "openapi.json")

_NOT_BUILT: Final = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>守望 hearthwatch</title></head>
<body><h1>守望 hearthwatch</h1>
<p>The hub is running, but its web page has not been built. 网页尚未构建。</p>
<p>Run <code>./dev web</code> in the source tree (or install the package, which contains it), then
reload. The interface itself works: see <a href="/openapi.json">/openapi.json</a>.</p>
</body></html>
"""


class WebPage:
    """The ASGI application behind all routes: a file, else the page itself."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._files = StaticFiles(directory=directory, check_dir=False)
        # By file, whose name is its content; as many as the build has made.
        self._packed: dict[str, bytes] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
            return
        response = await self._respond(scope)
        await response(scope, receive, send)

    async def _respond(self, scope: Scope) -> Response:
        path = scope["path"].lstrip("/")
        if path.startswith(_MACHINE_PREFIXES):
            return problem_response(Problem(404, "not_found", "there is no such route"))
        if scope["method"] not in ("GET", "HEAD"):
            headers = {"Allow": "GET, HEAD"}
            refused = Problem(405, "method_not_allowed", "only GET and HEAD", headers=headers)
            return problem_response(refused)
        if not (self._directory / "index.html").is_file():
            return Response(
                _NOT_BUILT, media_type="text/html", headers={"Cache-Control": ASK_AGAIN}
            )
        return await self._file(path, scope)

    async def _file(self, path: str, scope: Scope) -> Response:
        try:
            response = await self._files.get_response(path or "index.html", scope)
        except HTTPException as error:
            # A missing picture is missing; any other path is a place in the page.
            if error.status_code != 404 or "." in path.rpartition("/")[2]:
                detail = "there is no such file"
                return problem_response(Problem(error.status_code, "not_found", detail))
            response = await self._files.get_response("index.html", scope)
        except ValueError:
            # A NUL byte in the path.
            return problem_response(Problem(404, "not_found", "there is no such file"))
        hashed = path.startswith(HASHED_FOLDER) and response.status_code in (200, 304)
        response.headers["Cache-Control"] = IMMUTABLE if hashed else ASK_AGAIN
        if hashed and isinstance(response, FileResponse):
            return await self._as_small_as_wanted(response, scope)
        return response

    async def _as_small_as_wanted(self, whole: FileResponse, scope: Scope) -> Response:
        """Packed once for all, for browsers that take it."""
        kind = _PACKED_TYPES.get(Path(whole.path).suffix)
        if kind is None:
            return whole
        whole.headers["Vary"] = "Accept-Encoding"
        accepted = Headers(scope=scope).get("accept-encoding", "")
        if scope["method"] != "GET" or not _takes_gzip(accepted):
            return whole
        # The file that was found: a path can be written in any number of ways.
        file = str(whole.path)
        packed = self._packed.get(file)
        if packed is None:
            packed = self._packed[file] = await run_in_threadpool(_pack, Path(file))
        headers = {
            "Cache-Control": IMMUTABLE,
            "Content-Encoding": "gzip",
            "Vary": "Accept-Encoding",
        }
        return Response(packed, media_type=kind, headers=headers)


def _takes_gzip(accepted: str) -> bool:
    """`gzip;q=0` refuses it."""
    for offer in accepted.split(","):
        name, _, quality = offer.strip().partition(";")
        if name.strip().lower() == "gzip":
            return quality == "" or quality.strip().removeprefix("q=").strip("0.") != ""
    return False


def _pack(file: Path) -> bytes:
    return gzip.compress(file.read_bytes(), 9, mtime=0)
