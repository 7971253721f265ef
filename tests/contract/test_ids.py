"""Names and ids: the quick name-based UUID is the standard one."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from contract.ids import name_uuid


@given(st.uuids(), st.text())
def test_a_name_based_uuid_is_version_5_of_rfc_9562(namespace: uuid.UUID, name: str) -> None:
    assert name_uuid(namespace, name) == str(uuid.uuid5(namespace, name))
