"""Signatures against the worked examples of those who check them."""

import base64
import hashlib
import hmac

from cryptography.hazmat.primitives.asymmetric import ec

from alarms import web_push_message as push
from alarms.notifiers import dingtalk, feishu
from alarms.providers import aliyun, tencent
from tests.adapters.push_service import Browser, claims_of, unbase64


def private_key(text: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(unbase64(text)), ec.SECP256R1())


def test_acs3_is_the_example_of_alibaba_cloud() -> None:
    """V3 request structure and signature, "fixed parameters"."""
    query = {
        "RegionId": "cn-shanghai",
        "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd",
    }
    headers = {
        "host": "ecs.cn-shanghai.aliyuncs.com",
        "x-acs-action": "RunInstances",
        "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-version": "2014-05-26",
    }
    signed = aliyun.authorization(
        "YourAccessKeyId", "YourAccessKeySecret", aliyun.canonical_query(query), headers
    )
    assert signed == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;"
        "x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


def test_queries_are_encoded_as_rfc_3986_says() -> None:
    assert aliyun.canonical_query({"b": "a b*c~d/e+", "a": "守"}) == (
        "a=%E5%AE%88&b=a%20b%2Ac~d%2Fe%2B"
    )


def test_tc3_is_the_example_of_tencent_cloud() -> None:
    """Signature method v3, with the masked keys that its figures were made with."""
    body = (
        rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}'
    )
    signed = tencent.authorization(
        "AKID" + "*" * 32,
        "*" * 32,
        "cvm",
        "cvm.tencentcloudapi.com",
        "DescribeInstances",
        body,
        1551113065,
    )
    assert signed == (
        "TC3-HMAC-SHA256 Credential=AKID********************************/2019-02-25/cvm/"
        "tc3_request, SignedHeaders=content-type;host;x-tc-action, "
        "Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f"
    )


def test_dingtalk_and_feishu_sign_the_other_way_round() -> None:
    mac = hmac.new(b"SEC1", b"1700000000000\nSEC1", hashlib.sha256).digest()
    assert dingtalk.signature("SEC1", 1_700_000_000_000) == base64.b64encode(mac).decode()
    mac = hmac.new(b"1700000000\nSEC1", b"", hashlib.sha256).digest()
    assert feishu.signature("SEC1", 1_700_000_000) == base64.b64encode(mac).decode()


def test_a_push_message_is_the_example_of_rfc_8291() -> None:
    """Appendix A, and the whole of section 5."""
    browser = Browser(
        "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
        private_key("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"),
        unbase64("BTBZMqHH6r4Tts7J_aSIgg"),
    )
    to = push.subscription(browser.subscription)
    body = push.encrypt(
        to,
        b"When I grow up, I want to be a watermelon",
        ours=private_key("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"),
        salt=unbase64("DGv6ra1nlYgDCS1FRnbzlw"),
    )
    assert push.to_base64(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz"
        "AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    assert browser.read(body) == b"When I grow up, I want to be a watermelon"


def test_the_token_is_for_one_service_and_of_our_key() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    header = push.authorization(key, "https://push.example.net", "mailto:a@b.example", 1000)
    claims, point = claims_of(header)
    assert claims["aud"] == "https://push.example.net"
    assert claims["sub"] == "mailto:a@b.example"
    assert 1000 < claims["exp"] <= 1000 + 24 * 3600
    assert point == push.public_bytes(key)


def test_what_is_no_subscription_is_refused() -> None:
    good = Browser("https://push.example/1").subscription
    for bad in (
        "",
        "[]",
        "{}",
        "[" * 100_000,
        good.replace("https", "http"),
        good.replace('"auth": "', '"auth": "A'),
        '{"endpoint":"https://push.example/1","keys":{"p256dh":"AAAA","auth":"AAAA"}}',
    ):
        try:
            push.subscription(bad)
        except push.BadSubscription:
            continue
        raise AssertionError(bad[:100])
