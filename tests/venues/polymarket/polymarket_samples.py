"""Golden vectors made with the venue's own SDKs, and messages in its wire format; every key is invented."""

import json
from pathlib import Path

HERE = Path(__file__).parent
VECTORS = json.loads((HERE / "vectors.json").read_text(encoding="utf-8"))
EXAMPLES = HERE / "examples"

YES = "90355770202827489386471959378491678660564818828983530880897841927067268788818"
NO = "12665727485035892507504699680831881464143889473105276879628243323205615622936"
CONDITION = "0x87cfc9b5feab95101ca89ef9ea6bfc79289da751190147efd710954f1138ac63"
SLUG = "epl-ars-che-2026-09-19-ars"
OWNER = "6bb8a4c1-0940-4d30-ad62-1c13c5953b48"
DIGEST = "0x6f6c2211b2012a83b28c1d9e96d6cc48cbe0e92f376ab6e1375c8cb018561457"


def example(name):
    """The bytes of one example message."""
    return (EXAMPLES / f"{name}.json").read_bytes()


def loaded(name):
    """One example message, to be changed."""
    return json.loads(example(name))


def as_bytes(value):
    """A changed message back on the wire."""
    return json.dumps(value).encode()
