"""Programs of the machine (a player, a speech synthesiser, gpioset), run without a shell."""

import asyncio
import shutil
from collections.abc import Sequence

from gateway.output import OutputFailed


async def run_program(line: Sequence[str]) -> None:
    """Until it ends; OutputFailed when it can't be started or ends with an error. A cancelled
    call kills it."""
    try:
        process = await asyncio.create_subprocess_exec(
            *line,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except (OSError, ValueError) as error:
        raise OutputFailed(f"{line[0]}: {error}") from error
    try:
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code:
        raise OutputFailed(f"{line[0]} ended with {code}")


async def program_says(line: Sequence[str]) -> str:
    """What it writes before it ends; OutputFailed when it can't be started."""
    try:
        process = await asyncio.create_subprocess_exec(
            *line,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except (OSError, ValueError) as error:
        raise OutputFailed(f"{line[0]}: {error}") from error
    said, _ = await process.communicate()
    return said.decode(errors="replace")


def missing_program(name: str, package: str) -> str:
    """What to install, or nothing when it is there."""
    return "" if shutil.which(name) else f"{name} is not installed: apt-get install {package}"
