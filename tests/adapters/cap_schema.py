"""The schema of CAP 1.2, written down from the standard and not from what writes messages."""

import re
from xml.etree import ElementTree as ET

S = "{urn:oasis:names:tc:emergency:cap:1.2}"
PAIR = r"-?\d+(\.\d+)?,-?\d+(\.\d+)?"
TEXT, NAME = ".+", r"[^\s,<&]+"
SCHEMA = {
    "alert": {
        "identifier": NAME, "sender": NAME, "sent": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d",
        "status": "Actual|Exercise|System|Test|Draft", "msgType": "Alert|Update|Cancel|Ack|Error", "source?": TEXT,
        "scope": "Public|Restricted|Private", "restriction?": TEXT, "addresses?": TEXT, "code*": TEXT, "note?": TEXT,
        "references?": TEXT, "incidents?": TEXT, "info*": TEXT,
    },
    "info": {
        "language?": r"[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*",
        "category+": "Geo|Met|Safety|Security|Rescue|Fire|Health|Env|Transport|Infra|CBRNE|Other", "event": TEXT,
        "responseType*": "Shelter|Evacuate|Prepare|Execute|Avoid|Monitor|Assess|AllClear|None",
        "urgency": "Immediate|Expected|Future|Past|Unknown", "severity": "Extreme|Severe|Moderate|Minor|Unknown",
        "certainty": "Observed|Likely|Possible|Unlikely|Unknown", "audience?": TEXT, "eventCode*": TEXT,
        "effective?": TEXT, "onset?": TEXT, "expires?": TEXT, "senderName?": TEXT, "headline?": TEXT,
        "description?": TEXT, "instruction?": TEXT, "web?": TEXT, "contact?": TEXT, "parameter*": TEXT,
        "resource*": TEXT, "area*": TEXT,
    },
    "area": {
        "areaDesc": TEXT, "polygon*": rf"{PAIR}( {PAIR}){{3,}}",
        "circle*": r"-?\d+(\.\d+)?,-?\d+(\.\d+)? \d+(\.\d+)?", "geocode*": TEXT,
        "altitude?": TEXT, "ceiling?": TEXT,
    },
    "parameter": {"valueName": TEXT, "value": TEXT},
}  # fmt: skip
"""The schema of CAP 1.2, section 3.4: a `*` for any number, a `+` for one or more, a `?` for one or none."""


def follows_all(alert: ET.Element) -> None:
    """The whole message is as the schema has it."""
    assert alert.tag == f"{S}alert"
    follows(alert, SCHEMA["alert"])
    for name in ("info", "area", "parameter"):
        for each in alert.iter(f"{S}{name}"):
            follows(each, SCHEMA[name])


def follows(element: ET.Element, schema: dict[str, str]) -> None:
    """Order, count and value of what is in an element; a `*` stands for any number, a `?` for one or none."""
    tags = [child.tag.removeprefix(S) for child in element]
    names = [name.rstrip("?*+") for name in schema]
    assert {*tags} <= {*names}
    assert sorted(tags, key=names.index) == tags
    for name, value in schema.items():
        bare = name.rstrip("?*+")
        count = tags.count(bare)
        assert count >= (name[-1] not in "?*")
        assert count <= 1 or name[-1] in "*+"
        for child in element.iterfind(f"{S}{bare}"):
            assert len(child) or re.fullmatch(value, child.text or "", re.DOTALL), (bare, child.text)
