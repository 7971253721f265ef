"""What a hub does for offices: files for departments, and visits that are due as each morning's
tasks. Imported when presses are taken already: spreadsheets and pages are much to import."""

import asyncio
from typing import TYPE_CHECKING

from hearthwatch.department_exports import DepartmentExports
from hearthwatch.visit_tasks import MorningTasks

if TYPE_CHECKING:
    from hearthwatch.hub import Hub


class Offices:
    def __init__(self, hub: "Hub") -> None:
        config, now_ms = hub.config, hub.clock.now_ms
        self.exports = DepartmentExports(hub.reader, hub.writer, now_ms, config.data_dir)
        self._visits = MorningTasks(
            hub.reader, hub.writer, hub.book.visiting, now_ms, config.morning_tasks
        )

    async def run(self) -> None:
        async with asyncio.TaskGroup() as both:
            both.create_task(self._visits.run(), name="visits")
            both.create_task(self.exports.run(), name="department-files")
