"""Plays cases by PyPI's treq, each against servers in memory that follow the case's script.

Reads cases from stdin, one JSON object a line (`id` and `given`), and answers each by a line on stdout: what was sent
and what came of it, in the form in which a case's `expect` is written, or why the case cannot be played. The servers
are those of `src/world.rs`: a whole request is answered by the script as far as the next head.
"""

import io
import json
import math
import os
import sys
import tempfile
import warnings
from http.cookiejar import Cookie, CookieJar
from importlib import import_module

import hyperlink
import treq
import twisted
from treq.client import HTTPClient
from treq.cookies import IndexableCookieJar, scoped_cookie, search
from treq.multipart import MultiPartProducer
from twisted.internet import defer, interfaces, reactor, task
from twisted.internet.address import IPv4Address
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.python.failure import Failure
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, FileBodyProducer, HTTPConnectionPool
from twisted.web.error import SchemeNotSupported
from twisted.web.http_headers import Headers
from twisted.web.iweb import UNKNOWN_LENGTH, IAgentEndpointFactory, IBodyProducer
from zope.interface import implementer

EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
CLOSE, RESET = object(), object()
# Nothing comes where nothing has for so many turns of the reactor, one each hundredth of a second.
TURNS = 20
MARKS = {"bytes", "tuple", "pairs", "headers_object", "decoded_url", "encoded_url", "float", "cookie_jar"}


class NotPlayable(Exception):
    """Why a case is none for this."""


# What a case gives, made values of Python.


def octets(text):
    return text.encode("latin-1")


def value(given):
    if isinstance(given, list):
        return [value(one) for one in given]
    if not isinstance(given, dict):
        if isinstance(given, str) and given.startswith("<stream of unknown length yielding "):
            return Stream(octets(given[len("<stream of unknown length yielding ") : -1]))
        if isinstance(given, str) and given.startswith("<file "):
            return FileBodyProducer(io.BytesIO(octets(given[len("<file ") : -1])))
        return given
    if "file" in given:
        return opened(given)
    if len(given) != 1 or not MARKS & set(given):
        return {name: value(one) for name, one in given.items()}
    ((mark, inner),) = given.items()
    if mark == "bytes":
        return octets(inner)
    if mark == "tuple":
        return tuple(value(one) for one in inner)
    if mark == "pairs":
        return {value(name): value(one) for name, one in inner}
    if mark == "headers_object":
        return Headers({name: value(values) for name, values in inner})
    if mark == "decoded_url":
        return hyperlink.DecodedURL.from_text(inner)
    if mark == "encoded_url":
        return hyperlink.EncodedURL.from_text(inner)
    if mark == "float":
        return float(inner)
    return filled(CookieJar(), inner)


def opened(given):
    content = octets(given["file"])
    if "name" in given:
        path = os.path.join(tempfile.mkdtemp(dir=FOLDER), os.path.basename(given["name"]))
        with open(path, "wb") as file:
            file.write(content)
        file = open(path, "rb")
    else:
        file = io.BytesIO(content)
    file.seek(given.get("position", 0))
    return file


def filled(jar, cookies):
    for one in cookies:
        domain, port = one["domain"], one.get("port")
        jar.set_cookie(
            Cookie(
                version=0, name=one["name"], value=one["value"], port=port, port_specified=port is not None,
                domain=domain, domain_specified=domain.startswith("."), domain_initial_dot=domain.startswith("."),
                path=one.get("path", "/"), path_specified=True, secure=one.get("secure", False), expires=None,
                discard=False, comment=None, comment_url=None, rest={},
            )
        )  # fmt: skip
    return jar


def files(given):
    made = value(given)
    if isinstance(made, dict):
        # With a stream, name and content are written as a list.
        made = {name: tuple(one) if streams(one) else one for name, one in made.items()}
    return made


def streams(one):
    return isinstance(one, list) and any(isinstance(item, Stream) for item in one)


@implementer(IBodyProducer)
class Stream:
    length = UNKNOWN_LENGTH

    def __init__(self, content):
        self.content = content

    def startProducing(self, consumer):
        consumer.write(self.content)
        return defer.succeed(None)

    def pauseProducing(self):
        pass

    resumeProducing = stopProducing = pauseProducing


# The servers.


def step(piece):
    if not isinstance(piece, str):
        raise NotPlayable("a server told in prose")
    if piece.startswith("<") and piece.endswith(">"):
        if "reset" in piece:
            return RESET
        if "close" in piece:
            return CLOSE
        raise NotPlayable("a server told in prose")
    return octets(repeated(piece))


def repeated(text):
    before, mark, rest = text.partition("<")
    inner, end, after = rest.partition(">")
    count, times, what = inner.partition(" times ")
    if not (mark and end and times and count.isdigit()):
        return text
    return before + what * int(count) + repeated(after)


def is_interim(piece):
    rest = piece
    while rest.startswith(b"HTTP/") and rest[8:10] == b" 1" and not rest.startswith(b"HTTP/1.1 101"):
        _, end, rest = rest.partition(b"\r\n\r\n")
        if not end:
            return False
    return not rest and bool(piece)


def complete(sent):
    """How long the request is with which `sent` begins, once it is whole."""
    head, end, rest = sent.partition(b"\r\n\r\n")
    if not end:
        return None
    length = 0
    for line in head.lower().split(b"\r\n")[1:]:
        if line.startswith(b"transfer-encoding:"):
            used = dechunked(rest)
            return None if used is None else len(head) + 4 + used
        if line.startswith(b"content-length:"):
            number = line.split(b":", 1)[1].strip()
            length = int(number) if number.isdigit() else 0
    return len(head) + 4 + length if len(rest) >= length else None


def dechunked(sent):
    at = 0
    while True:
        end = sent.find(b"\r\n", at)
        try:
            size = int(sent[at:end], 16) if end >= 0 else None
        except ValueError:
            return None
        if size is None:
            return None
        at = end + 2
        if size == 0:
            return at + 2 if sent[at : at + 2] == b"\r\n" else None
        if len(sent) < at + size + 2:
            return None
        at += size + 2


class World:
    """Servers for all hosts that answer by one script, whoever is asked."""

    def __init__(self, script, otherwise=None):
        self.script, self.otherwise = list(script), otherwise
        self.lines, self.requests = [], []
        # Counts whatever happens, to see when nothing does.
        self.moves = 0

    def answer(self):
        steps = self.script[:1]
        del self.script[:1]
        while steps and self.script:
            last, coming = steps[-1], self.script[0]
            if last in (CLOSE, RESET):
                break
            if isinstance(coming, bytes) and coming.startswith(b"HTTP/") and not is_interim(last):
                break
            steps.append(self.script.pop(0))
        return steps or ([self.otherwise] if self.otherwise else [])

    def sent(self):
        """All requests, the last of each connection with whatever stands behind it."""
        rest = [line.request(bytes(line.unread)) for line in self.lines if line.unread]
        requests = []
        for request in self.requests + rest:
            own = [before for before in requests if before["connection"] == request["connection"]]
            # What a body that is cut leaves behind is no request.
            if own and not request["bytes"].split("\r\n")[0].endswith(" HTTP/1.1"):
                own[-1]["bytes"] += request["bytes"]
            else:
                requests.append(dict(request))
        return requests


@implementer(interfaces.ITransport, interfaces.IConsumer, interfaces.IPushProducer)
class Line:
    """The client's end of a connection, with the server behind it."""

    def __init__(self, world, to):
        self.world, self.to = world, to
        world.lines.append(self)
        self.number = len(world.lines)
        self.unread, self.coming = bytearray(), []
        self.paused = self.busy = self.gone = self.closing = False
        self.ended_by = self.producer = None
        self.disconnecting = False

    def request(self, sent):
        return {"to": self.to, "connection": self.number, "bytes": sent.decode("latin-1")}

    # What comes from the server.

    def put(self, *steps):
        self.coming.extend(steps)
        self.go()

    def go(self):
        if self.coming and not (self.paused or self.busy or self.gone):
            self.busy = True
            reactor.callLater(0.001, self.one)

    def one(self):
        self.busy = False
        if self.paused or self.gone:
            return
        self.world.moves += 1
        coming = self.coming.pop(0)
        if coming is CLOSE or coming is RESET:
            self.end("closed by server", ConnectionDone() if coming is CLOSE else ConnectionLost())
        else:
            self.protocol.dataReceived(coming)
        self.go()

    def end(self, by, why):
        if not self.gone:
            self.gone, self.ended_by = True, self.ended_by or by
            self.world.moves += 1
            if self.producer:
                self.producer.stopProducing()
            self.protocol.connectionLost(Failure(why))

    # What the client does.

    def write(self, data):
        self.world.moves += 1
        if self.gone or self.closing:
            return
        self.unread += data
        length = complete(bytes(self.unread))
        if length is not None:
            self.world.requests.append(self.request(bytes(self.unread[:length])))
            del self.unread[:length]
            self.put(*self.world.answer())

    def writeSequence(self, pieces):
        self.write(b"".join(pieces))

    def registerProducer(self, producer, streaming):
        self.producer, self.streaming = producer, streaming
        if not streaming:
            self.pull()

    def pull(self):
        if self.producer and not self.streaming and not self.gone:
            self.producer.resumeProducing()
            reactor.callLater(0, self.pull)

    def unregisterProducer(self):
        self.producer = None
        if self.closing:
            reactor.callLater(0, self.end, "closed by client", ConnectionDone())

    def loseConnection(self):
        self.closing = self.disconnecting = True
        self.ended_by = self.ended_by or "closed by client"
        if not self.producer:
            reactor.callLater(0, self.end, "closed by client", ConnectionDone())

    def abortConnection(self):
        self.closing = self.disconnecting = True
        self.ended_by = self.ended_by or "closed by client"
        reactor.callLater(0, self.end, "closed by client", ConnectionAborted())

    def pauseProducing(self):
        self.paused = True

    def resumeProducing(self):
        self.paused = False
        self.go()

    def stopProducing(self):
        self.loseConnection()

    def getPeer(self):
        return IPv4Address("TCP", "127.0.0.1", 1)

    getHost = getPeer


@implementer(interfaces.IReactorTime, interfaces.IReactorPluggableNameResolver, interfaces.IHostnameResolver)
class Network:
    """A reactor whose names all resolve and whose connections end in a world."""

    def __init__(self, world, to):
        self.world, self.to = world, to
        self.nameResolver = self

    def __getattr__(self, name):
        return getattr(reactor, name)

    def resolveHostName(self, receiver, hostName, portNumber=0, addressTypes=None, transportSemantics="TCP"):
        receiver.resolutionBegan(self)
        receiver.addressResolved(IPv4Address("TCP", "127.0.0.1", portNumber))
        receiver.resolutionComplete()
        return receiver

    def connectTCP(self, host, port, factory, timeout=30, bindAddress=None):
        line = Line(self.world, self.to)
        factory.doStart()
        line.protocol = factory.buildProtocol(line.getPeer())
        line.protocol.makeConnection(line)
        return line


@implementer(IAgentEndpointFactory)
class Endpoints:
    """The endpoints that an agent has by itself, but for the TLS within."""

    def __init__(self, world):
        self.world = world

    def endpointForURI(self, uri):
        if uri.scheme not in (b"http", b"https"):
            raise SchemeNotSupported(f"Unsupported scheme: {uri.scheme!r}")
        if uri.scheme == b"https":
            BrowserLikePolicyForHTTPS().creatorForNetloc(uri.host, uri.port)
        to = f"{uri.scheme.decode()}://{uri.host.decode('latin-1')}:{uri.port}"
        return HostnameEndpoint(Network(self.world, to), uri.host, uri.port)


# What came of it, as cases say it.


def error(failure, when):
    def named(failure):
        found = {"kind": failure.type.__name__, "message": str(failure.value)}
        reasons = getattr(failure.value, "reasons", None)
        if isinstance(reasons, (list, tuple)):
            found["causes"] = [named(reason) for reason in reasons if isinstance(reason, Failure)]
        return found

    return {"when": when, **named(failure)}


async def settled(deferred, world):
    """Its result, a failure, or None where nothing comes."""
    outcome = []
    deferred.addBoth(outcome.append)
    quiet, moves = 0, world.moves
    while not outcome and quiet < TURNS:
        await task.deferLater(reactor, 0.01)
        quiet, moves = (quiet + 1, moves) if world.moves == moves else (0, world.moves)
    return outcome[0] if outcome else None


def fields(headers):
    return [
        [name.decode("latin-1"), [one.decode("latin-1") for one in values]] for name, values in headers.getAllRawHeaders()
    ]


def head(response):
    return {
        "status": response.code,
        "reason": response.phrase.decode("latin-1"),
        "version": [response.version[0].decode("latin-1"), *response.version[1:]],
        "length": "unknown" if response.length is UNKNOWN_LENGTH else response.length,
        "headers": fields(response.headers),
        "final_url": response.request.absoluteURI.decode("latin-1"),
        "history": [[one.code, one.request.absoluteURI.decode("latin-1")] for one in response.history()],
    }


def reading(how, response, pieces):
    if how == "content":
        return response.content().addCallback(lambda body: body.decode("latin-1"))
    if how == "text":
        return response.text()
    if how == "json":
        return response.json().addCallback(lambda read: json.dumps(read, ensure_ascii=False) if isinstance(read, str) else read)
    if how == "collect":
        return response.collect(lambda piece: pieces.append(piece.decode("latin-1")))
    return response.text(encoding=how[1])


def readable(how):
    return how in ("content", "text", "json", "collect") or (isinstance(how, list) and len(how) == 2 and how[0] == "text")


def client_for(world, persistent=True, jar=None):
    pool = HTTPConnectionPool(reactor, persistent=persistent)
    return HTTPClient(Agent.usingEndpointFactory(reactor, Endpoints(world), pool=pool), jar)


def called(client, call):
    arguments = {name: files(one) if name == "files" else value(one) for name, one in call.items()}
    headers = arguments.get("headers")
    method, url = arguments.pop("method"), arguments.pop("url")
    try:
        return client.request(method, url, **arguments), "asynchronously", headers
    except Exception:
        return defer.fail(), "at call", headers


async def play_call(given):
    known = {"call", "connection_pool", "server", "then_read", "server_after_read_started", "boundary"}
    if set(given) - known:
        raise NotPlayable("a call with " + ", ".join(sorted(set(given) - known)))
    if not isinstance(given["call"], dict):
        raise NotPlayable("a call told in prose")
    how = given.get("then_read", "content")
    if not readable(how):
        raise NotPlayable("a reading told in prose")
    script = given.get("server")
    later = [step(piece) for piece in given.get("server_after_read_started", [])]
    world = World([], EMPTY) if script is None else World([step(piece) for piece in script])
    client = client_for(world, given.get("connection_pool") != "non-persistent")
    deferred, when, headers = called(client, given["call"])
    response = await settled(deferred, world)
    found = {}
    if response is None:
        found["pending"] = True
    elif isinstance(response, Failure):
        found["error"] = error(response, when)
    else:
        found.update(head(response))
        pieces = []
        try:
            deferred = reading(how, response, pieces)
        except Exception:
            deferred = defer.fail()
        line = world.lines[world.requests[-1]["connection"] - 1]
        for one in later:
            await task.deferLater(reactor, 0.01)
            line.put(one)
        pending = object()
        deferred = deferred.addCallback(lambda read: (read,))
        read = await settled(deferred, world) or pending
        if isinstance(read, Failure):
            found["read_error"] = error(read, "asynchronously")
        else:
            found["read"] = "pending" if read is pending else read[0]
        if how == "collect":
            found["collected"] = pieces
    sent = world.sent()
    if not sent:
        found["wire"] = "nothing is sent"
    elif len(sent) == 1:
        found["wire"], found["connect_to"], found["sent"] = sent[0]["bytes"], sent[0]["to"], 1
    else:
        found["requests"] = sent
    if isinstance(headers, Headers):
        found["caller_headers_after"] = fields(headers)
    if script is not None and world.requests:
        found["connection"] = await fate(client, world)
    return found


async def fate(client, world):
    """What became of the connection that the last request went over."""
    last = world.requests[-1]
    await task.deferLater(reactor, 0.02)
    line = world.lines[last["connection"] - 1]
    if line.ended_by:
        return line.ended_by
    world.script, world.otherwise = [], EMPTY
    asked = len(world.requests)
    # The pool chooses among all that it has: at the same time, each is used.
    open_ones = [other for other in world.lines if other.to == line.to and not other.gone]
    # Below treq, which spells hosts in its own way.
    url = (last["to"] + "/").encode("latin-1")
    again = [defer.maybeDeferred(client._agent.request, b"GET", url) for _ in open_ones]
    for one in again:
        one.addErrback(lambda _: None)
        await settled(one, world)
    used = [request["connection"] for request in world.requests[asked:]]
    return "returned to pool" if line.number in used else "held open, not pooled"


async def play_same_client(given):
    if set(given) - {"same_client", "initial_jar"}:
        raise NotPlayable("several calls with " + ", ".join(sorted(set(given) - {"same_client", "initial_jar"})))
    if not isinstance(given["same_client"], list) or not all(isinstance(one, dict) for one in given["same_client"]):
        raise NotPlayable("several calls told in prose")
    jar = filled(IndexableCookieJar(), given["initial_jar"]["cookie_jar"]) if "initial_jar" in given else None
    world = World([])
    client = client_for(world, jar=jar)
    steps = []
    for one in given["same_client"]:
        verbs = [name for name in one if name in ("get", "head", "post", "put", "delete", "patch", "options")]
        if len(verbs) != 1:
            raise NotPlayable("several calls told in prose")
        call = {name: more for name, more in one.items() if name not in (verbs[0], "server_sets")}
        call.update(method=verbs[0].upper(), url=one[verbs[0]])
        sets = b"".join(b"Set-Cookie: " + octets(cookie) + b"\r\n" for cookie in one.get("server_sets", []))
        world.script = [EMPTY[:-2] + sets + b"\r\n"]
        asked = len(world.requests)
        deferred, when, _ = called(client, call)
        response = await settled(deferred, world)
        if response is None:
            steps.append({"error": {"when": "never", "kind": "nothing"}})
        elif isinstance(response, Failure):
            steps.append({"error": error(response, when)})
        else:
            wire = world.requests[asked]["bytes"]
            lines = [line for line in wire.split("\r\n\r\n")[0].split("\r\n") if line.lower().startswith("cookie:")]
            steps.append({"sent_cookie_lines": lines, "wire": wire})
    jar = client._cookiejar
    after = [
        {
            "domain": cookie.domain, "path": cookie.path, "name": cookie.name, "value": cookie.value,
            "port": cookie.port, "secure": bool(cookie.secure), "persistent": cookie.expires is not None,
        }
        for cookie in jar
    ]  # fmt: skip
    return {"steps": steps, "jar_after": after}


async def play_scoped_cookie(given):
    origin, name, content = given["scoped_cookie"]
    made = scoped_cookie(hyperlink.EncodedURL.from_text(origin), name, content)
    names = ("domain", "port", "port_specified", "secure", "path", "domain_specified", "expires", "discard")
    return {name: getattr(made, name) for name in names}


def jar_of(threes):
    jar = IndexableCookieJar()
    for origin, name, content in threes:
        jar.set_cookie(scoped_cookie(hyperlink.EncodedURL.from_text(origin), name, content))
    return jar


async def play_jar(given):
    jar = jar_of(given["jar"])
    if "index" in given:
        try:
            return {"result": jar[given["index"]]}
        except Exception:
            return {"error": error(Failure(), "at call")}
    found = []
    for one in given["search"]:
        found.append(sorted(f"{cookie.name}={cookie.value}" for cookie in search(jar, **one)))
    return {"found": found}


class Consumer(bytearray):
    def write(self, data):
        self.extend(data)


async def play_form(given):
    if not isinstance(given["fields"], dict):
        raise NotPlayable("fields told in prose")
    made = {name: tuple(value(one)) if isinstance(one, list) else value(one) for name, one in given["fields"].items()}
    producer = MultiPartProducer(made, boundary=octets(given["boundary"]))
    consumer = Consumer()
    await producer.startProducing(consumer)
    return {"length": producer.length, "bytes": consumer.decode("latin-1")}


async def play_retried(given):
    """An idle connection on which the server closes instead of answering."""
    if len(given["steps"]) != 3 or given["steps"][0] != "idle connection in pool":
        raise NotPlayable("steps told in prose")
    method, with_body, *_ = given["steps"][1].split(" ") + [""]
    partial = given["steps"][2].startswith("server closes after")
    if with_body not in ("with", "without") or not (partial or "before any response byte" in given["steps"][2]):
        raise NotPlayable("steps told in prose")
    world = World([EMPTY], EMPTY)
    client = client_for(world)
    response = await settled(client.request("GET", "http://example.com/"), world)
    await settled(response.content(), world)
    world.script = ([b"HTTP/1.1 2"] if partial else []) + [CLOSE]
    body = {"data": b"body"} if with_body == "with" else {}
    response = await settled(client.request(method, "http://example.com/", **body), world)
    found = {"retried_on_new_connection": len(world.lines) == 2}
    if isinstance(response, Failure):
        found["error"] = error(response, "asynchronously")
    return found


async def play_keys(given):
    """Which URLs go over the connection that the first has opened."""
    same = []
    for key in given["keys"]:
        world = World([], EMPTY)
        client = client_for(world)
        for url in (given["keys"][0], key):
            response = await settled(client.request("GET", url), world)
            if isinstance(response, Failure):
                response.raiseException()
            await settled(response.content(), world)
        same.append(len(world.lines) == 1)
    return {"same_connection": same}


async def play_content_type(given):
    """The charset by which a text is read, which nothing public says."""
    values = given["content_type"]
    values = values if isinstance(values, list) else [values]
    found = import_module("treq.content")._encoding_from_headers(Headers({b"Content-Type": [octets(one) for one in values]}))
    return {"charset": found}


FORMS = [
    ({"call"}, play_call),
    ({"same_client"}, play_same_client),
    ({"scoped_cookie"}, play_scoped_cookie),
    ({"jar", "search"}, play_jar),
    ({"jar", "index"}, play_jar),
    ({"fields", "boundary"}, play_form),
]
# These are all that is given.
WHOLE_FORMS = [({"steps"}, play_retried), ({"keys"}, play_keys), ({"content_type"}, play_content_type)]

FAMILIES = [
    ("a double of treq.testing: no server is asked", ("stub", "matcher", "sequence", "handler", "resource", "sync_body")),
    ("a URL alone: nothing is sent", ("parse", "base")),
    ("steps told in prose", ("steps",)),
    ("time is moved, or a call ended, in prose", ("timeout", "connect_timeout", "abort", "cancel", "stop")),
    (
        "below treq: an agent, its endpoints, a proxy, TLS",
        ("below_treq", "call_below_treq", "endpoint_factory", "connect", "bind_address", "proxy", "policy", "agent"),
    ),
    ("a file, a form or a map of fields alone", ("file", "fields", "add", "set", "get_missing", "copy", "two maps", "remove")),
]


async def play(given):
    if not isinstance(given, dict):
        raise NotPlayable("told in prose, or a form of its own")
    for keys, player in FORMS:
        if keys <= set(given):
            return await player(given)
    for keys, player in WHOLE_FORMS:
        if keys == set(given):
            return await player(given)
    for family, starts in FAMILIES:
        if any(key.startswith(starts) or key.endswith(starts) for key in given):
            raise NotPlayable(family)
    raise NotPlayable("told in prose, or a form of its own")


def sayable(found):
    """Without what JSON has no words for: half characters, and numbers that are none."""
    if isinstance(found, dict):
        return {sayable(name): sayable(one) for name, one in found.items()}
    if isinstance(found, (list, tuple)):
        return [sayable(one) for one in found]
    if isinstance(found, str):
        return found.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(found, float) and not math.isfinite(found):
        return repr(found)
    return found


def say(answer):
    print(json.dumps(sayable(answer)), flush=True)


async def main():
    say({"treq": treq.__version__, "Twisted": twisted.__version__})
    for line in sys.stdin:
        case = json.loads(line)
        try:
            say({"id": case["id"], "seen": await play(case["given"])})
        except NotPlayable as why:
            say({"id": case["id"], "not_playable": str(why)})
        except Exception as broken:
            say({"id": case["id"], "broken": f"{type(broken).__name__}: {broken}"})


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as FOLDER:
        task.react(lambda _: defer.ensureDeferred(main()))
