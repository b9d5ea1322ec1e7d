"""What Fabric tells of a mirrored database's tables: its REST API, asked and never needed.

"Get tables mirroring status", learn.microsoft.com/rest/api/fabric/mirroreddatabase.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Final
from urllib.parse import quote

from hygge.connections import entra
from hygge.connections.entra import EntraSettings
from hygge.core.errors import HyggeError
from hygge.mirroring.names import MirroredTable

SCOPE: Final = "https://api.fabric.microsoft.com/.default"
_PATIENCE: Final = 10.0
_PAGES: Final = 100


@dataclass(frozen=True, slots=True)
class MirroringService:
    """One mirrored database, by the GUIDs of its workspace and its own."""

    url: str
    workspace: str
    database: str
    credential: EntraSettings

    def knows(self, table: MirroredTable) -> bool | None:
        """Whether the service tells of this table; None: it gave no answer. Blocks.

        One without a schema may be told of in any: no page says in which.
        """
        name, schema = table.name.lower(), (table.schema or "").lower()
        try:
            found = [told for told, known in self._tables() if known == name]
            return schema in found if schema else bool(found)
        except (HyggeError, OSError, HTTPException, ValueError, KeyError, TypeError):
            return None

    def _tables(self) -> list[tuple[str, str]]:
        found, token = list[tuple[str, str]](), ""
        for _ in range(_PAGES):
            page = self._asked(token)
            for one in page["data"]:
                schema, name = str(one["sourceSchemaName"] or ""), str(one["sourceTableName"])
                found.append((schema.lower(), name.lower()))
            token = page.get("continuationToken") or ""
            if not token:
                return found
        raise ValueError("pages without end")

    def _asked(self, token: str) -> Any:
        more = f"?continuationToken={quote(token)}" if token else ""
        path = f"/v1/workspaces/{self.workspace}/mirroredDatabases/{self.database}"
        wish = urllib.request.Request(
            f"{self.url.rstrip('/')}{path}/getTablesMirroringStatus{more}",
            data=b"",
            method="POST",
            headers={"Authorization": f"Bearer {entra.token(self.credential, SCOPE)}"},
        )
        with urllib.request.urlopen(wish, timeout=_PATIENCE) as answer:
            return json.load(answer)
