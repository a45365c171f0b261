"""Every request of every tool fits the official description of the service, where a package ships one."""

import importlib
import importlib.util

import pytest

from app.connectors.services import services_of
from tests.oracles.recording import PREVIEW, record, targets_of


def description_of(connector):
    name = f"tests.oracles.descriptions.{connector.slug}"
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


DESCRIBED = [connector for connector in services_of(None) if description_of(connector)]
TARGETS = [(connector, name) for connector in DESCRIBED for name in targets_of(connector)]


@pytest.mark.parametrize(("connector", "name"), TARGETS, ids=[f"{c.slug}-{n}" for c, n in TARGETS])
def test_what_is_sent_fits_the_official_description(connector, name, connection_to):
    description = description_of(connector)
    requests = record(connector, connection_to(connector), name).requests
    assert requests or name == "identify" or name.startswith(PREVIEW)
    problems = {
        f"{request.method} {request.path}: {problem}"
        for request in requests
        for problem in description.check(request)
    }
    assert not problems, f"{description.DESCRIPTION} says:\n" + "\n".join(sorted(problems))


@pytest.mark.parametrize("connector", DESCRIBED, ids=lambda connector: connector.slug)
def test_a_description_names_its_version_and_refuses_an_invented_request(connector, connection_to):
    description = description_of(connector)
    assert any(character.isdigit() for character in description.DESCRIPTION)
    request = record(connector, connection_to(connector), next(iter(targets_of(connector)))).requests[0]
    assert not description.check(request)
    request.params.append(("no_such_parameter", "1"))
    assert description.check(request)
