"""The fuzzing server of the suite on loopback and on a free port, which it prints.

Run with the suite's Python 2.7: fuzzing_server.py SPEC
"""
import json
import sys

from autobahntestsuite.fuzzing import FuzzingServerFactory
from autobahn.twisted.websocket import listenWS
from twisted.internet import reactor


def main(spec_file):
    with open(spec_file) as spec:
        factory = FuzzingServerFactory(json.load(spec))
    port = listenWS(factory, interface='127.0.0.1')
    print(port.getHost().port)
    sys.stdout.flush()
    reactor.run()


if __name__ == '__main__':
    main(sys.argv[1])
