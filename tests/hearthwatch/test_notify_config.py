"""[notify] and [channel.…] of hub.toml, the doctor's word on them, and test messages."""

import json
from pathlib import Path

import pytest

from contract.config import ConfigError
from hearthwatch.__main__ import main
from hearthwatch.book_change import change_book
from hearthwatch.doctor import telling
from hearthwatch.hub_config import load
from hearthwatch.notices import Notices
from tests.adapters.mail_server import MailServer, mail_server
from tests.adapters.scripted_http import scripted_server

SECRET = "key-of-the-bot-0123456789"


def config(folder: Path, text: str) -> Path:
    path = folder / "hub.toml"
    path.write_text(f'data_dir = "data"\n{text}')
    return path


def bot(folder: Path, url: str) -> str:
    (folder / "bot").write_text(f"{url}/cgi-bin/webhook/send?key={SECRET}\n")
    return '[channel.wecom_bot.bots.duty]\nurl_file = "bot"\n'


def test_everything_together(tmp_path: Path) -> None:
    (tmp_path / "uplink").write_text("a" * 24)
    text = (
        '[notify]\npublic_url = "https://hub.example/"\nlanguage = "en"\n'
        'quiet_from = "22:00"\nquiet_until = "06:30"\nuplink_file = "uplink"\n'
        f"{bot(tmp_path, 'https://qyapi.weixin.qq.com')}"
        '[channel.web_push]\nsubject = "mailto:a@county.example"\n'
    )
    found = load(config(tmp_path, text))
    told = found.notify.telling
    assert (told.public_url, told.language, told.replies) == ("https://hub.example", "en", True)
    assert (told.quiet.from_minute, told.quiet.until_minute) == (1320, 390)
    assert found.notify.urgent == {"web_push", "wecom_bot"}
    assert SECRET not in repr(found)
    notices = Notices(found)
    assert len(notices.push_key()) == 87
    assert notices.clean("wecom_bot", " duty ") == "duty"
    assert [c["names"] for c in notices.offered()] == [None, ["duty"]]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('[notify]\nlanguage = "fr"', "notify.language"),
        ('[notify]\nquiet_from = "22:00"', "notify.quiet_from"),
        ('[notify]\nquiet_from = "25:00"\nquiet_until = "06:00"', "notify.quiet_from"),
        ('[notify]\ntimezone = "Mars/Olympus"', "notify.timezone"),
        ('[notify]\ntimezone = "America/New_York"', "notify.timezone"),
        ('[notify]\npublic_url = "hub.example"', "notify.public_url"),
        ("[notify]\nquite = 1", "notify.quite"),
        ("[channel.wecom_bots]\nx = 1", "channel"),
        ("[channel.webhook]\nx = 1", "channel"),
        ("[channel.wecom_bot]", "channel.wecom_bot.bots"),
        ('[channel.wecom_bot.bots."张"]\nurl_file = "bot"', "channel.wecom_bot.bots"),
        ("[channel.wecom_bot.bots.duty]", "url_file"),
        ('[channel.smtp]\nhost="h"\nsender="x"', "sender"),
        (
            '[channel.smtp]\nhost="h"\nsender="a@b.example"\nsecurity="none"\nusername="u"',
            "security",
        ),
        ('[channel.apprise.targets.x]\nurl_file = "bot"', "channel.apprise"),
        ('[[webhook]]\nurl = "http://10.0.0.1/"\nsecret_file = "bot"', "url"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, place: str) -> None:
    bot(tmp_path, "https://qyapi.weixin.qq.com")
    with pytest.raises(ConfigError) as error:
        load(config(tmp_path, text))
    assert place in error.value.where
    assert SECRET not in str(error.value)


def test_a_secret_may_come_from_the_environment(tmp_path: Path, monkeypatch) -> None:
    url = f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={SECRET}"
    monkeypatch.setenv("HEARTHWATCH_WECOM_BOT_DUTY_URL", url)
    found = load(config(tmp_path, "[channel.wecom_bot.bots.duty]\n"))
    assert found.notify.channels["wecom_bot"].urls == {"duty": url}


def test_the_doctor_says_who_cannot_be_told(tmp_path: Path) -> None:
    bare = list(telling(load(config(tmp_path, ""))))
    assert [(row.check, row.verdict) for row in bare] == [("channels", "warn")]
    text = f"{bot(tmp_path, 'https://x')}[channel.gsm_modem]\nport = '/dev/none'\n"
    found = {row.check: row.verdict for row in telling(load(config(tmp_path, text)))}
    assert found == {
        "channels": "ok",
        "second channel": "ok",
        "public_url": "warn",
        "modem": "fail",
    }


def test_a_test_message_is_sent_and_the_answer_told(tmp_path: Path, capsys) -> None:
    answers = [(200, {}, b'{"errcode":0,"errmsg":"ok"}')]

    def respond(_request):
        return answers[-1]

    with scripted_server(respond) as server, mail_server(MailServer()) as mail:
        text = (
            f"{bot(tmp_path, server.url)}[channel.smtp]\nhost = '127.0.0.1'\nport = {mail.port}\n"
            "security = 'none'\nsender = 'hub@county.example'\n"
        )
        path = config(tmp_path, text)

        def put(unit) -> None:
            for place, (channel, address, verified) in enumerate(
                (("wecom_bot", "duty", 1), ("smtp", "li@county.example", 1), ("smtp", "no@x", None))
            ):
                unit.execute(
                    "INSERT INTO contact_point (id, owner, channel, address, label, language,"
                    " place, created_at_ms, verified_at_ms, dead_reason)"
                    " VALUES (?,?,?,?,?,?,?,?,?,?)",
                    (f"p{place}", "duty1", channel, address, "", "en", place, 1, verified, ""),
                )

        change_book(load(path).book, put)
        assert main(["admin", "test-notify", "--config", str(path), "--user", "duty1"]) == 0
        said = capsys.readouterr().out.split()
        assert said == ["ok", "wecom_bot", "taken", "ok", "smtp", "taken"]
        assert "[TEST]" in json.loads(server.requests[0].body)["text"]["content"]
        assert len(mail.mails) == 1
        answers.append((200, {}, b'{"errcode":93000,"errmsg":"invalid webhook url"}'))
        command = ["admin", "test-notify", "--config", str(path)]
        assert main([*command, "--channel", "wecom_bot", "--address", "duty"]) == 1
        said = capsys.readouterr()
        assert "93000" in said.out
        assert SECRET not in said.out + said.err
    assert main([*command, "--user", "nobody"]) == 1
    assert main(command) == 2
    assert main([*command, "--channel", "smtp", "--address", "nonsense"]) == 2
