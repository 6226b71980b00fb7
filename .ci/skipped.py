"""Fail where a test in a browser or in LibreOffice was skipped, or none ran: CI has both, so a skip is a fault."""

import sys
from xml.etree import ElementTree

tests = [
    case
    for case in ElementTree.parse(sys.argv[1]).iter("testcase")  # noqa: S314 (we wrote it ourselves)
    if any(word in case.get("classname", "") for word in ("browser", "libreoffice"))
]
skipped = [case for case in tests if case.find("skipped") is not None]
for case in skipped:
    print(f"skipped: {case.get('classname')}.{case.get('name')}")
if skipped or not tests:
    sys.exit(f"{len(tests)} tests in a browser or LibreOffice, of which {len(skipped)} were skipped.")
print(f"{len(tests)} tests in a browser or LibreOffice ran.")
