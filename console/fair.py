"""`mmconsole theo`: fair probabilities of one market's odds by every de-vig method."""

from __future__ import annotations

import enum
import json
from collections.abc import Sequence

from console.core.devig import Devigged, Method, OddsError, devig
from console.core.odds import american, parse_odds


class Spelling(enum.Enum):
    """How the odds on the command line are written."""

    DECIMAL = "decimal"
    AMERICAN = "american"
    PROBABILITY = "probability"


def run(texts: Sequence[str], spelling: Spelling, as_json: bool) -> int:
    """Print the probabilities; raises OddsError for odds that are none."""
    answer = devig([_read(text, spelling) for text in texts])
    print(json.dumps(_document(answer)) if as_json else _table(texts, answer))
    return 0


def _read(text: str, spelling: Spelling) -> float:
    """One price as decimal odds; what the spelling does not allow is left to `devig` to refuse."""
    if spelling is not Spelling.DECIMAL:
        return parse_odds(text)
    try:
        price = float(text)
    except ValueError:
        raise OddsError(
            f"odds: {text!r} is not a number; decimal odds are above 1, for example 1.91"
        ) from None
    if price < 0 or text.startswith("+"):
        raise OddsError(
            f"odds: {text} is not decimal odds, which are above 1; for American odds add --american"
        )
    if 0 < price < 1:
        raise OddsError(f"odds: {text} is not decimal odds, which are above 1; or add --probability")
    return price


def _document(answer: Devigged) -> dict[str, object]:
    document: dict[str, object] = {
        "odds": list(answer.odds),
        "overround": answer.overround,
        "methods": {
            method.value: list(answer.probabilities[method]) if method in answer.probabilities else None
            for method in Method
        },
        "reasons": {method.value: why for method, why in answer.refused.items()},
    }
    if answer.underround:
        document["underround"] = True
    return document


def _table(texts: Sequence[str], answer: Devigged) -> str:
    lines = [f"{'method':<15}" + "".join(f"{text:>12}" for text in texts)]
    for method in Method:
        if method in answer.probabilities:
            cells = (f"{100 * p:>10.3f} %" for p in answer.probabilities[method])
            lines.append(f"{method.value:<15}" + "".join(cells))
        else:
            lines.append(f"{method.value:<15}  {answer.refused[method]}")
    fair = answer.probabilities[Method.MULTIPLICATIVE]
    lines.append(f"{'fair odds':<15}" + "".join(f"{american(1.0 / p):>12}" for p in fair))
    lines.append(
        f"overround {100 * answer.overround:+.2f} %" + ("  underround: not a sharp price" * answer.underround)
    )
    return "\n".join(lines)
