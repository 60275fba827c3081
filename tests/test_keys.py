"""Secrets: where they are looked for, who may read them, and that nothing shows them."""

import pickle
import traceback

import pytest

from console.keys import KeyFileError, KeyMissing, Keys, Secret

CANARY = "canary-7f3a"


def env_file(tmp_path, text, mode=0o600):
    path = tmp_path / ".env"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_environment_comes_before_the_file(tmp_path):
    path = env_file(tmp_path, "A=file\nB='quoted # text'\nexport C=plain # remark\n# D=no\n\n")
    keys = Keys({"A": "environment"}, path)
    assert [keys.need(name).reveal() for name in "ABC"] == ["environment", "quoted # text", "plain"]
    assert keys.find("D") is None


def test_a_missing_key_says_where_it_may_be_put(tmp_path):
    with pytest.raises(KeyMissing, match=r"ODDS_API_KEY is not set: .*\.env"):
        Keys({}, tmp_path / ".env").need("ODDS_API_KEY")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_file_that_others_may_read_is_refused(tmp_path, mode):
    path = env_file(tmp_path, f"A={CANARY}", mode)
    with pytest.raises(KeyFileError, match=f"mode {mode:o}.*chmod 600") as refused:
        Keys({}, path)
    assert CANARY not in str(refused.value)


def test_a_line_that_is_none_is_named_by_its_number_and_not_shown(tmp_path):
    with pytest.raises(KeyFileError, match="line 2") as refused:
        Keys({}, env_file(tmp_path, f"A=1\n{CANARY}\n"))
    assert CANARY not in str(refused.value)


def test_a_key_file_is_read_when_only_its_owner_may(tmp_path):
    path = tmp_path / "key.pem"
    path.write_bytes(b"pem")
    path.chmod(0o600)
    keys = Keys({"PATH_": str(path)}, None)
    assert keys.need_file("PATH_") == b"pem"
    path.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        keys.need_file("PATH_")
    with pytest.raises(KeyFileError, match="No such file"):
        Keys({"PATH_": str(tmp_path / "none")}, None).need_file("PATH_")


def test_nothing_shows_a_secret():
    secret = Secret("KALSHI_KEY_ID", CANARY)
    assert secret.reveal() == CANARY
    for shown in (repr(secret), str(secret), f"{secret}", f"{secret!r}", f"{[secret]}"):
        assert CANARY not in shown
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(AttributeError):
        secret.__dict__  # noqa: B018
    try:
        raise ValueError(secret)
    except ValueError:
        assert CANARY not in traceback.format_exc()
