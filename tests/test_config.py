"""Settings files: what is taken, what is refused, and the one line that says so."""

import tomllib
from pathlib import Path

import msgspec
import pytest

from console.config.error import ConfigError
from console.config.local import match_table, remember
from console.config.read import find, load
from console.core.events import OnConsoleLost
from console.core.presets import ACCOUNT_PRESETS, PRESETS
from console.core.settings import AccountSettings, MatchSettings
from console.core.units import CENT, ONE

ROOT = Path(__file__).parents[1]
ONE_MATCH = """
[[match]]
id = "lal-bos"
outcomes = ["LAL", "BOS"]
instruments = [
  { venue = "kalshi", symbol = "A", outcomes = ["LAL"] },
  { venue = "kalshi", symbol = "B", outcomes = ["BOS"] },
]
"""


def write(folder, text):
    path = folder / "markets.toml"
    path.write_text(text)
    return path


def refusal(folder, text, environment=None):
    with pytest.raises(ConfigError) as caught:
        load(write(folder, text), environment or {})
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_shipped_file_says_the_defaults(places):
    config = load(ROOT / "markets.toml", places)
    plain = msgspec.structs.replace(AccountSettings(), write_tokens_per_s=300, write_burst=600)
    assert config.account == plain
    assert config.profiles == PRESETS
    assert config.matches == ()
    assert config.on_console_lost is OnConsoleLost.STOP


def test_no_file_is_the_built_in_set_up(places):
    built_in, shipped = load(None, places), load(ROOT / "markets.toml", places)
    assert (built_in.account, built_in.profiles, built_in.mode) == (
        shipped.account,
        shipped.profiles,
        shipped.mode,
    )
    assert Path(places["XDG_STATE_HOME"]) in built_in.local.parents


def test_values_are_read_in_the_units_a_trader_types(tmp_path):
    config = load(
        write(tmp_path, "[profiles.top_of_book]\nedge_min = 1.25\ncontracts = 7\nmax_loss_match = 12.5\n"), {}
    )
    settings = config.profiles["top_of_book"]
    assert (settings.edge_min, settings.contracts) == (CENT * 5 // 4, 7 * ONE)
    assert settings.max_loss_match == 12_500_000


def test_own_profile_starts_from_the_one_it_names(tmp_path):
    text = '[profiles.mine]\nbased_on = "soccer"\ncontracts = 5\n'
    mine = load(write(tmp_path, text), {}).profiles["mine"]
    assert mine == msgspec.structs.replace(PRESETS["soccer"], preset="mine", contracts=5 * ONE)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[engin]\nmode='sim'", "markets.toml: engin: unknown key"),
        ("[engine]\nmod='sim'", "markets.toml: engine.mod: unknown key"),
        ("[engine]\nmode='simm'", "engine.mode: 'simm' is not one of sim, replay, paper, demo, live"),
        ("[engine]\naccount='a b'", "engine.account"),
        ("[account]\ndaily_los=5", "[account] daily_los: no such setting; did you mean daily_loss?"),
        ("[account]\ndaily_loss='lots'", "[account] daily_loss: 'lots' is not a number from 0 in dollars"),
        ("[account]\ndaily_loss=-5", "[account] daily_loss: '-5' is not a number from 0 in dollars"),
        ("[account]\npreset='none'", "[account] preset: 'none' is not one of"),
        ("[profiles.top_of_book]\nedge_min=true", "[profiles.top_of_book] edge_min: 'true' is not a number"),
        ("[profiles.top_of_book]\ncontracts=500", "contracts 500 is more than order_size_max 100"),
        ("[profiles.x]\nbased_on='y'", "[profiles.x] based_on: 'y' is not one of"),
        (
            "[profiles.top_of_book]\nceiling_methods=['magic']",
            "ceiling_methods: 'magic' is not a list of multiplicative",
        ),
        ("[sim]\nseed=-1", "sim.seed"),
        ("[sim]\nprofile='x'", "sim.profile: 'x' is not one of"),
        ("x = = 1", "markets.toml: Invalid value"),
        ("[feeds.oddspapi]\nbooks=['novig']", "feeds.oddspapi.books: value error, novig is an exchange"),
        ("[feeds.oddspapi]\nbooks=[]", "feeds.oddspapi.books"),
        ("[feeds.oddspapi]\npoll_s=0", "feeds.oddspapi.poll_s"),
        (
            "[engine]\nmode='live'\n[venues.kalshi]\nenabled=true\n"
            "[feeds.oddspapi]\nenabled=true\naddress='http://x'",
            "feeds.oddspapi.address: mode live goes to the feed's own address only",
        ),
        (ONE_MATCH + "odds = [1.9]", "match lal-bos: odds: 1 prices for 2 outcomes"),
        (ONE_MATCH + "odds = [1.9, 0]", "match lal-bos: odds: '0'"),
        (ONE_MATCH + "odds = ['x', '2']", "match lal-bos: odds: 'x' is not a price"),
        (ONE_MATCH + "profile = 'x'", "match lal-bos: profile: 'x' is not one of"),
        (ONE_MATCH + "kind = 'x'", "match lal-bos: kind: 'x' is not one of h2h, spread, total"),
        (
            ONE_MATCH.replace('"kalshi"', '"kalshy"', 1),
            "match lal-bos: instruments: venue 'kalshy' is not one of",
        ),
        (
            ONE_MATCH.replace('outcomes = ["LAL"] }', 'outcomes = ["CHI"] }'),
            "match lal-bos: A: outcome 'CHI' is not",
        ),
        (ONE_MATCH.replace('"B"', '"A"'), "match lal-bos: instruments: the same instrument is listed twice"),
        (ONE_MATCH + "[match.settings]\nedge_min = 'a'", "match lal-bos: settings: edge_min: 'a' is not"),
        (ONE_MATCH.replace('id = "lal-bos"', 'id = "lal bos"'), "match.0.id"),
    ],
)
def test_bad_input_is_one_clear_line(tmp_path, text, line):
    assert line in refusal(tmp_path, text)


def test_a_match_held_to_a_venue_it_is_not_listed_on_is_refused(tmp_path):
    text = (
        '[[match]]\nid = "m"\nprofile = "canary"\noutcomes = ["A", "B"]\n'
        'instruments = [{venue = "polymarket", symbol = "t", outcomes = ["A"]}]\n'
    )
    assert "match m: quote_on is kalshi (canary), where no instrument" in refusal(tmp_path, text)


def test_modes_that_need_a_venue_say_so(tmp_path):
    assert "needs a venue" in refusal(tmp_path, "[engine]\nmode = 'live'")


def test_environment_wins_over_the_file(tmp_path):
    path = write(tmp_path, "[account]\ndaily_loss = 10\n[profiles.mine]\ncontracts = 3\n")
    environment = {
        "MMCONSOLE_ACCOUNT_DAILY_LOSS": "20",
        "MMCONSOLE_SIM_SEED": "99",
        "MMCONSOLE_PROFILES_TOP_OF_BOOK_EDGE_MIN": "2.5",
        "MMCONSOLE_PROFILES_MINE_CONTRACTS": "4",
        "MMCONSOLE_RECORDINGS": "/somewhere",
    }
    config = load(path, environment)
    assert config.account.daily_loss == 20 * ONE
    assert config.sim_seed == 99
    assert config.profiles["top_of_book"].edge_min == 25_000
    assert config.profiles["mine"].contracts == 4 * ONE


def test_unknown_environment_variable_is_refused(tmp_path):
    assert "no table 'acount'" in refusal(tmp_path, "", {"MMCONSOLE_ACOUNT_DAILY_LOSS": "1"})
    assert "names no profile" in refusal(tmp_path, "", {"MMCONSOLE_PROFILES_X": "1"})


def test_named_file_must_exist(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        find(str(tmp_path / "nowhere.toml"), {})


# ---- what the screen changes


def test_change_on_the_screen_is_laid_over_the_file(tmp_path):
    path = write(tmp_path, "# mine\n[account]\ndaily_loss = 10\n" + ONE_MATCH)
    local = load(path, {}).local
    remember(local, {"account": {"daily_loss": "15"}})
    remember(local, {"match": [{"id": "lal-bos", "settings": {"edge_min": "2"}}]})
    remember(local, {"match": [{"id": "lal-bos", "settings": {"contracts": "3"}}]})
    config = load(path, {})
    assert config.account.daily_loss == 15 * ONE
    [match] = config.matches
    assert (match.settings.edge_min, match.settings.contracts) == (2 * CENT, 3 * ONE)
    assert path.read_text().startswith("# mine")  # what a person wrote stays as it is


def test_match_added_on_the_screen_comes_back(tmp_path):
    path = write(tmp_path, ONE_MATCH)
    [match] = load(path, {}).matches
    other = msgspec.structs.replace(match.spec, id="x-y", start=1_790_000_000_000_000_000)
    table = match_table(other, MatchSettings(), (1.5, 2.5), MatchSettings())
    local = load(path, {}).local
    remember(local, {"match": [table]})
    assert [m.spec for m in load(path, {}).matches] == [
        match.spec,
        msgspec.structs.replace(other, event="lal-bos"),
    ]
    assert load(path, {}).matches[1].odds == (1.5, 2.5)


def test_match_removed_on_the_screen_stays_away_until_added_again(tmp_path):
    path = write(tmp_path, ONE_MATCH)
    config = load(path, {})
    [match] = config.matches
    remember(config.local, {"match": [{"id": "lal-bos", "removed": True}]})
    assert load(path, {}).matches == ()
    remember(config.local, {"match": [match_table(match.spec, match.settings, (), match.settings)]})
    assert [m.spec for m in load(path, {}).matches] == [match.spec]


def test_local_file_is_replaced_whole_or_not_at_all(tmp_path):
    local = tmp_path / "markets.local.toml"
    remember(local, {"account": {"daily_loss": "15"}})
    before = local.read_text()
    with pytest.raises(TypeError):
        remember(local, {"account": {"daily_loss": object()}})
    assert local.read_text() == before
    assert list(tmp_path.iterdir()) == [local]
    assert tomllib.loads(before) == {"account": {"daily_loss": "15"}}


def test_every_preset_passes_its_own_limits():
    assert all(settings.defect() is None for settings in PRESETS.values())
    assert all(settings.defect() is None for settings in ACCOUNT_PRESETS.values())
