"""RabbitMQ finds the list of revoked certificates by its authority's name, whoever made that; where
it does not, no gateway comes in."""

import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from hearthwatch.rabbitmq_files import LISTS, link_list


@pytest.mark.parametrize(
    "subject",
    [
        "/CN=hearthwatch authority",
        "/C=CN/O=平利县　民政局/CN=Hearthwatch  Authority",
        "/DC=example/DC=county/O=ÄRA/emailAddress=It@County.example",
    ],
)
def test_the_list_lies_under_its_authority_s_name(subject: str, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    made = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    of = ("-utf8", "-subj", subject, "-keyout", str(tmp_path / "ca.key"), "-out", str(path))
    subprocess.run(["openssl", *made, *of], check=True, capture_output=True)
    asked = ["openssl", "x509", "-in", str(path), "-noout", "-subject_hash"]
    name = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    authority = x509.load_pem_x509_certificate(path.read_bytes())
    link_list(tmp_path, authority.subject, tmp_path / "crl.pem")
    assert [link.name for link in (tmp_path / LISTS).iterdir()] == [f"{name}.r0"]
