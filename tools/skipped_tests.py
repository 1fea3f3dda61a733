#!/usr/bin/env python3
"""skipped_tests.py REPORT [EXCUSE]: prints the tests that did not run, and why.

REPORT is what ctest --output-junit wrote. Exits with 1 if there are any whose reason does not
contain EXCUSE.
"""

import re
import sys
import xml.etree.ElementTree

# GoogleTest prints the reason between the file's name and its own "[  SKIPPED ]".
REASON = re.compile(r"\.cc:\d+: Skipped\n(.*?)\n*\[", re.DOTALL)

report, excuse = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
skipped, unexcused = [], 0
for test in xml.etree.ElementTree.parse(report).getroot().iter("testcase"):
    if test.get("status") in ("run", "fail"):
        continue
    match = REASON.search(test.findtext("system-out") or "")
    reason = " ".join(match[1].split()) if match else test.get("status")
    skipped.append(f"  {test.get('name')}: {reason}")
    unexcused += not (excuse and excuse in reason)
if skipped:
    print(f"{len(skipped)} tests did not run:", *skipped, sep="\n", file=sys.stderr)
sys.exit(1 if unexcused else 0)
