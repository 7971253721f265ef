"""Keys and signatures by the openssl program, which every Debian has: a gateway on a 32-bit
Raspberry Pi needs no compiled package for them."""

import asyncio
import os
from pathlib import Path
from typing import Final

TIMEOUT_S: Final = 30.0
# The first of two seconds that the slowest Pi takes for a P-256 key is its start.
_CURVE: Final = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class OpensslFailed(OSError):  # noqa: N818 - as the other answers to an installer
    """It is not there, or refused; what it said is in the text."""


async def new_key(folder: Path, gateway: str) -> str:
    """Make `key.pem` (0600) and `request.pem` in the folder, unless both are there; the request.
    Both are on the disk, and whole, before the request has its name: a certificate for a key that
    a power cut took would be asked for by nobody again."""
    key, request = folder / "key.pem", folder / "request.pem"
    if not (_has_something(key) and _has_something(request)):
        fresh = folder / "request.new"
        for path in (request, fresh, key):
            path.unlink(missing_ok=True)
        os.close(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        subject = ("-subj", f"/CN={gateway}")
        await _run("req", "-new", *_CURVE, *subject, "-keyout", str(key), "-out", str(fresh))
        for path in (key, fresh):
            make_durable(path)
        fresh.replace(request)
        make_durable(folder)
    return request.read_text()


def make_durable(path: Path) -> None:
    """A file, or a folder's names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _has_something(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


async def sign(key: Path, message: bytes) -> bytes:
    """ECDSA over SHA-256, as DER."""
    return await _run("dgst", "-sha256", "-sign", str(key), given=message)


async def _run(*arguments: str, given: bytes = b"") -> bytes:
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            "openssl", *arguments, stdin=pipe, stdout=pipe, stderr=pipe
        )
    except OSError as error:
        raise OpensslFailed(f"openssl: {error}; apt-get install openssl") from error
    try:
        async with asyncio.timeout(TIMEOUT_S):
            said, complained = await process.communicate(given)
    except TimeoutError as error:
        raise OpensslFailed(f"openssl {arguments[0]} took more than {TIMEOUT_S:.0f} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise OpensslFailed(f"openssl {arguments[0]}: {complained.decode(errors='replace')[:200]}")
    return said
