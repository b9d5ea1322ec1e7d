"""Who may do what: keys, signatures, tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import obstore
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.storage.filedatalake import DataLakeServiceClient
from obstore.exceptions import GenericError, PermissionDeniedError, UnauthenticatedError
from obstore.store import AzureStore
from tests.adls.conftest import Ask
from tests.servers.adls import access
from tests.servers.adls.lake import Account
from tests.servers.adls.server import Running


@pytest.fixture
def account(running: Running) -> Account:
    made = running.service.account("closed")
    made.make_container("data")
    return made


def store(running: Running, **proof: Any) -> AzureStore:
    plain: Any = {"allow_http": True}
    told = {"account_name": "closed", "endpoint": f"{running.url}/closed", **proof}
    return AzureStore("data", client_options=plain, retry_config={"max_retries": 0}, **told)


def test_nobody_is_asked_who_they_are(account: Account, ask: Ask) -> None:
    answer = ask("GET", "closed/data/x")
    assert (answer.status, answer.code) == (401, "NoAuthenticationInformation")


def test_the_key_opens(account: Account, running: Running) -> None:
    found = store(running, account_key=account.key)
    obstore.put(found, "a b/ü%25 #1?.x", b"1")
    assert [o["path"] for page in obstore.list(found) for o in page] == ["a b/ü%25 #1?.x"]
    obstore.delete(found, ["a b/ü%25 #1?.x"])
    url = f"{running.url}/closed"
    key = {"account_name": "closed", "account_key": account.key}
    client = DataLakeServiceClient(url, credential=key, retry_total=0)
    client.get_directory_client("data", "a b/ü %").create_directory()
    assert (account.container("data") / "a b" / "ü %").is_dir()


def test_another_key_does_not(account: Account, running: Running) -> None:
    with pytest.raises(PermissionDeniedError, match="AuthenticationFailed"):
        obstore.get(store(running, account_key="a2V5"), "x")
    wrong = {"account_name": "closed", "account_key": "a2V5"}
    client = DataLakeServiceClient(f"{running.url}/closed", credential=wrong, retry_total=0)
    with pytest.raises(ClientAuthenticationError, match="AuthenticationFailed"):
        client.get_directory_client("data", "a").create_directory()


def test_a_signature_opens_while_it_lasts(account: Account, running: Running) -> None:
    obstore.put(store(running, sas_key=access.sas(account)), "x", b"1")
    with pytest.raises(PermissionDeniedError, match="not valid in the specified time"):
        obstore.get(store(running, sas_key=access.sas(account, -1)), "x")
    other = Account("closed", Path())
    with pytest.raises(PermissionDeniedError, match="did not match"):
        obstore.get(store(running, sas_key=access.sas(other)), "x")


def test_a_signature_may_do_what_it_says(account: Account, running: Running) -> None:
    reader = store(running, sas_key=access.sas(account, may="rl"))
    with pytest.raises(PermissionDeniedError, match="AuthorizationPermissionMismatch"):
        obstore.put(reader, "x", b"1")


def test_a_token_opens_while_it_lasts(account: Account, running: Running) -> None:
    token = access.token(account)
    obstore.put(store(running, token=token), "x", b"1")
    for bad in (access.token(account, -1), token[:-6], "eyJ0"):
        with pytest.raises(UnauthenticatedError, match="InvalidAuthenticationInfo"):
            obstore.get(store(running, token=bad), "x")
    account.revoked.add(token)
    with pytest.raises(UnauthenticatedError, match="InvalidAuthenticationInfo"):
        obstore.get(store(running, token=token), "x")


def test_who_may_only_read_deletes_nothing(account: Account, running: Running) -> None:
    obstore.put(store(running, account_key=account.key), "x", b"1")
    reader = store(running, token=access.token(account, may="r"))
    with pytest.raises(GenericError, match="AuthorizationPermissionMismatch"):
        obstore.delete(reader, ["x"])
    assert obstore.head(store(running, account_key=account.key), "x")["size"] == 1
