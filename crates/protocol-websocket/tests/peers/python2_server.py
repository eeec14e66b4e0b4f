"""Two packages of Python 2 as echo servers of draft-ietf-hybi-00.

    python2_server.py txws|gevent-websocket

Prints its port on a line when it is ready. Echoes each message.
Exits when its standard input ends, and after two minutes at the latest.
"""

import os
import site
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = os.environ.get("PEERS") or os.path.join(HERE, "../../../../target/peers")
site.addsitedir(os.path.join(PEERS, "python2"))


def txws():
    from twisted.internet import protocol, reactor
    from txws import WebSocketFactory

    class Echo(protocol.Protocol):
        def dataReceived(self, data):
            self.transport.write(data)

    listener = reactor.listenTCP(0, WebSocketFactory(protocol.Factory.forProtocol(Echo)), interface="127.0.0.1")
    ready(listener.getHost().port)
    reactor.run(installSignalHandlers=False)


def gevent_websocket():
    import gevent.lock
    from gevent.pywsgi import WSGIServer

    # The module's name when the package was written.
    sys.modules["gevent.coros"] = gevent.lock
    from geventwebsocket.exceptions import WebSocketError
    from geventwebsocket.handler import WebSocketHandler

    def echo(environ, start_response):
        peer = environ["wsgi.websocket"]
        try:
            while True:
                message = peer.receive()
                if message is None:
                    break
                peer.send(message)
        except WebSocketError:
            # The package raises an error for a Close of this version, which it does not know.
            pass
        return []

    server = WSGIServer(("127.0.0.1", 0), echo, log=None, handler_class=WebSocketHandler)
    server.start()
    ready(server.server_port)
    server.serve_forever()


def ready(port):
    sys.stdout.write("%d\n" % port)
    sys.stdout.flush()
    for task in (end_with_input, end_after_two_minutes):
        thread = threading.Thread(target=task)
        thread.daemon = True
        thread.start()


def end_with_input():
    while os.read(0, 65536):
        pass
    os._exit(0)


def end_after_two_minutes():
    threading.Event().wait(120)
    os._exit(1)


{"txws": txws, "gevent-websocket": gevent_websocket}[sys.argv[1]]()
