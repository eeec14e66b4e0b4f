"""Judges the suite's reports: every case that was asked for has to be there, and none may be anything but fine.

    check.py LIST FOLDER... [PAGE]     LIST is what the fuzzing server printed, PAGE says how it should come out
    check.py --self-test

wstest itself ends with 0 whatever happens, and leaves out what a peer does not answer.
"""
import ast
import collections
import json
import pathlib
import re
import sys

FINE = {'OK', 'INFORMATIONAL'}


def cases(listing):
    """The cases that were asked for, as the suite itself lists them."""
    return ast.literal_eval(re.search(r'^Cases = (\[.*\])$', listing, re.M).group(1))


def judge(asked, report):
    """What is wrong with a report, and how its cases came out."""
    wrong = [f'{case}: not run' for case in asked if case not in report]
    for case, result in report.items():
        for what in ('behavior', 'behaviorClose'):
            if result[what] not in FINE:
                wrong.append(f'{case}: {what} is {result[what]}')
    return wrong, collections.Counter(result['behavior'] for result in report.values())


def row(role, asked, counts):
    """A line of the page's table."""
    others = sum(counts.values()) - counts['OK'] - counts['INFORMATIONAL']
    return f"| {role} | {len(asked)} | {counts['OK']} | {counts['INFORMATIONAL']} | {others} |"


def main(listing, *places):
    asked = cases(pathlib.Path(listing).read_text())
    page = pathlib.Path(places[-1]) if places[-1].endswith('.md') else None
    failed = not asked
    for folder in places[:-1] if page else places:
        report = json.loads(pathlib.Path(folder, 'index.json').read_text())['protocol-websocket']
        wrong, counts = judge(asked, report)
        line = row(folder, asked, counts)
        print(line)
        if page and line not in page.read_text():
            wrong.append(f'{page} does not say so')
        for what in wrong:
            print(f'{folder}: {what}')
        failed = failed or wrong
    return 1 if failed else 0


def self_test():
    asked = cases("Ok\nCases = ['1.1', '1.2']\n")
    good = {'behavior': 'OK', 'behaviorClose': 'OK'}
    assert judge(asked, {'1.1': good, '1.2': dict(good, behavior='INFORMATIONAL')})[0] == []
    assert judge(asked, {'1.1': good})[0] == ['1.2: not run']
    for bad in 'FAILED', 'NON-STRICT', 'UNIMPLEMENTED':
        assert judge(['1.1'], {'1.1': dict(good, behavior=bad)})[0], bad
    for bad in 'FAILED', 'WRONG CODE', 'UNCLEAN', 'FAILED BY CLIENT':
        assert judge(['1.1'], {'1.1': dict(good, behaviorClose=bad)})[0], bad


if __name__ == '__main__':
    sys.exit(self_test() if sys.argv[1:] == ['--self-test'] else main(*sys.argv[1:]))
