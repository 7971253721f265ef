"""The web page: files that the build left in `dashboard/static`, and index.html for its routes."""

from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from dashboard.problems import Problem, problem_response

# The build names these by their content.
HASHED_FOLDER: Final = "assets/"
IMMUTABLE: Final = "public, max-age=31536000, immutable"
ASK_AGAIN: Final = "no-cache"
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
        return response
