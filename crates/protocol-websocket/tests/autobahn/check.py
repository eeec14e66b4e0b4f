"""Checks the reports of the suite: every requested case must be there, and every result must be acceptable.

    check.py LIST FOLDER... [PAGE]     LIST is the output of the fuzzing server, PAGE has the expected table
    check.py --self-test

wstest itself always exits with 0, and omits cases that a peer does not answer.
"""
import ast
import collections
import json
import pathlib
import re
import sys

ACCEPTABLE = {'OK', 'INFORMATIONAL'}


def requested_cases(listing):
    """Returns the cases that the suite lists."""
    return ast.literal_eval(re.search(r'^Cases = (\[.*\])$', listing, re.M).group(1))


def check_report(requested, report):
    """Returns the errors in a report, and the number of cases for each result."""
    errors = [f'{case}: not run' for case in requested if case not in report]
    for case, result in report.items():
        for key in ('behavior', 'behaviorClose'):
            if result[key] not in ACCEPTABLE:
                errors.append(f'{case}: {key} is {result[key]}')
    return errors, collections.Counter(result['behavior'] for result in report.values())


def row(role, requested, counts):
    """Returns a row of the page's table."""
    others = sum(counts.values()) - counts['OK'] - counts['INFORMATIONAL']
    return f"| {role} | {len(requested)} | {counts['OK']} | {counts['INFORMATIONAL']} | {others} |"


def main(listing, *paths):
    requested = requested_cases(pathlib.Path(listing).read_text())
    page = pathlib.Path(paths[-1]) if paths[-1].endswith('.md') else None
    failed = not requested
    for folder in paths[:-1] if page else paths:
        report = json.loads(pathlib.Path(folder, 'index.json').read_text())['protocol-websocket']
        errors, counts = check_report(requested, report)
        line = row(folder, requested, counts)
        print(line)
        if page and line not in page.read_text():
            errors.append(f'{page} does not have this row')
        for error in errors:
            print(f'{folder}: {error}')
        failed = failed or errors
    return 1 if failed else 0


def self_test():
    requested = requested_cases("Ok\nCases = ['1.1', '1.2']\n")
    good = {'behavior': 'OK', 'behaviorClose': 'OK'}
    assert check_report(requested, {'1.1': good, '1.2': dict(good, behavior='INFORMATIONAL')})[0] == []
    assert check_report(requested, {'1.1': good})[0] == ['1.2: not run']
    for bad in 'FAILED', 'NON-STRICT', 'UNIMPLEMENTED':
        assert check_report(['1.1'], {'1.1': dict(good, behavior=bad)})[0], bad
    for bad in 'FAILED', 'WRONG CODE', 'UNCLEAN', 'FAILED BY CLIENT':
        assert check_report(['1.1'], {'1.1': dict(good, behaviorClose=bad)})[0], bad


if __name__ == '__main__':
    sys.exit(self_test() if sys.argv[1:] == ['--self-test'] else main(*sys.argv[1:]))
