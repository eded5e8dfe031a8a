# SPDX-License-Identifier: BSD-2-Clause
"""Talks TLS with itself in one of several ways, and says at the end who talked to whom.

    talk.py FOLDER WAY      FOLDER: with cert.pem and key.pem, and room for a socket

One line of JSON a connection object: pid, role, local, remote, version, cipher, sni, alpn, as
plaintap is to say them. Python's blocking sockets give OpenSSL the descriptor; asyncio and the sides
made here (class Memory) give it memory only, and move the encrypted bytes themselves.
"""

import asyncio
import json
import os
import socket
import ssl
import sys
import threading

FOLDER, WAY = sys.argv[1:3]
NAME = "talk.example"
CIPHERS = {"ECDHE-ECDSA-AES128-GCM-SHA256": "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"}
VERSIONS = {"TLSv1.2": "TLS 1.2", "TLSv1.3": "TLS 1.3"}


def contexts():
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(FOLDER + "/cert.pem", FOLDER + "/key.pem")
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    for context in (server, client):
        context.set_alpn_protocols(["talk/1"])
        if WAY.endswith("12"):
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    if WAY == "retry":
        # None that a client sends a key for unasked: the server asks for another hello.
        server.set_ecdh_curve("secp384r1")
    return server, client


SERVER, CLIENT = contexts()


def text_of(family, address):
    """As plaintap writes it."""
    if family == socket.AF_UNIX:
        if isinstance(address, bytes):
            address = address.decode().replace("\0", "@")
        return "unix:" + address
    return ("[%s]:%d" if ":" in address[0] else "%s:%d") % address[:2]


def say(tls, role, sock):
    """`sock`: None when its addresses cannot be known."""
    print(json.dumps({
        "pid": os.getpid(), "role": role,
        "local": sock and text_of(sock.family, sock.getsockname()),
        "remote": sock and text_of(sock.family, sock.getpeername()),
        "version": VERSIONS[tls.version()], "cipher": CIPHERS.get(tls.cipher()[0], tls.cipher()[0]),
        "sni": NAME, "alpn": tls.selected_alpn_protocol()}), flush=True)


def listen():
    if WAY == "ipv6":
        listener = socket.socket(socket.AF_INET6)
        listener.bind(("::1", 0))
    elif WAY == "mapped":
        listener = socket.socket(socket.AF_INET6)
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(("::", 0))
    elif WAY in ("unix", "unix_memory", "abstract"):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(FOLDER + "/socket" if WAY != "abstract" else "\0plaintap-%d" % os.getpid())
    else:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    return listener


def pair():
    """Two connected sockets."""
    if WAY == "socketpair":
        return socket.socketpair()
    with listen() as listener:
        family, at = listener.family, listener.getsockname()
        if WAY == "mapped":
            family, at = socket.AF_INET, ("127.0.0.1", at[1])
        one = socket.socket(family)
        one.connect(at)
        return one, listener.accept()[0]


def handshake(one, other):
    made = []
    thread = threading.Thread(target=lambda: made.append(
        SERVER.wrap_socket(other, server_side=True)))
    thread.start()
    client = CLIENT.wrap_socket(one, server_hostname=NAME)
    thread.join()
    return client, made[0]


def recv_in_pieces(sock):
    """A record's head, then the rest of it."""
    head = sock.recv(5, socket.MSG_WAITALL)
    return head + sock.recv(int.from_bytes(head[3:], "big"), socket.MSG_WAITALL)


def into(receive):
    data = bytearray(65536)
    return bytes(data[:receive(data)])


RECEIVE = {
    "recv": lambda sock: sock.recv(65536),
    "recv_into": lambda sock: into(sock.recv_into),
    "recvmsg": lambda sock: sock.recvmsg(65536)[0],
    "recvmsg_into": lambda sock: into(lambda data: sock.recvmsg_into([data])[0]),
    "read": lambda sock: os.read(sock.fileno(), 65536),
    "readv": lambda sock: into(lambda data: os.readv(sock.fileno(), [data])),
    "pieces": recv_in_pieces,
}


class Memory:
    """A TLS socket whose bytes OpenSSL has in memory only."""

    def __init__(self, context, sock, receive, **how):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, **how)
        self.sock, self.receive = sock, receive
        self.family = sock.family
        self.getsockname, self.getpeername = sock.getsockname, sock.getpeername
        self.version, self.cipher = self.tls.version, self.tls.cipher
        self.selected_alpn_protocol = self.tls.selected_alpn_protocol
        self.do(self.tls.do_handshake)

    def do(self, call, *args):
        while True:
            try:
                result = call(*args)
            except ssl.SSLWantReadError:
                result = None
            self.sock.sendall(self.outgoing.read())
            if result is not None or call == self.tls.do_handshake and self.tls.version():
                return result
            self.incoming.write(self.receive(self.sock))

    def sendall(self, data):
        self.do(self.tls.write, data)

    def recv(self, length):
        return self.do(self.tls.read, length)


def memory_handshake(one, other, receive=RECEIVE["recv"]):
    made = []
    thread = threading.Thread(target=lambda: made.append(
        Memory(SERVER, other, receive, server_side=True)))
    thread.start()
    client = Memory(CLIENT, one, receive, server_hostname=NAME)
    thread.join()
    return client, made[0]


def in_memory(how="recv", known=True):
    client, server = memory_handshake(*pair(), RECEIVE[how])
    exchange(client, server)
    say(client, "client", client if known else None)
    say(server, "server", server if known else None)


def calls():
    for how in RECEIVE:
        if how != "pieces":
            in_memory(how)


def relay(listener, target):
    """Passes the bytes of one connection on as they are, until both sides have closed it."""
    def copy(a, b):
        while data := a.recv(65536):
            b.sendall(data)
        b.shutdown(socket.SHUT_WR)

    with listener.accept()[0] as near, socket.create_connection(target) as far:
        thread = threading.Thread(target=copy, args=(far, near))
        thread.start()
        copy(near, far)
        thread.join()


def relayed(start):
    """`start` runs the relay somewhere and returns a function that waits for its end."""
    with listen() as front, listen() as back:
        wait = start(lambda: relay(front, back.getsockname()))
        one = socket.create_connection(front.getsockname())
        other = back.accept()[0]
        client, server = memory_handshake(one, other)
        exchange(client, server)
        known = start == in_child
        say(client, "client", client if known else None)
        say(server, "server", server if known else None)
        one.close()
        other.close()
        wait()


def in_child(run):
    child = os.fork()
    if not child:
        run()
        os._exit(0)
    return lambda: os.waitpid(child, 0)


def in_thread(run):
    thread = threading.Thread(target=run)
    thread.start()
    return thread.join


def exchange(client, server):
    client.sendall(b"question")
    assert server.recv(100) == b"question"
    server.sendall(b"answer")
    assert client.recv(100) == b"answer"


def talk():
    client, server = handshake(*pair())
    exchange(client, server)
    for tls, role in ((client, "client"), (server, "server")):
        # Mapped addresses are plaintap's to write as what they are.
        if WAY == "mapped" and role == "server":
            say(tls, role, Unmapped(tls))
        else:
            say(tls, role, tls)
    return client, server


class Unmapped:
    def __init__(self, sock):
        self.family = socket.AF_INET
        self.getsockname = lambda: unmap(sock.getsockname())
        self.getpeername = lambda: unmap(sock.getpeername())


def unmap(address):
    assert address[0].startswith("::ffff:"), address
    return (address[0][7:], address[1])


def reuse():
    """The same descriptors again and again, and so very likely the same objects."""
    seen = set()
    for _ in range(8):
        client, server = talk()
        seen.add((client.fileno(), server.fileno()))
        client.close()
        server.close()
    assert len(seen) < 8, "no descriptor was used again"


def swapped():
    """After the first bytes another socket takes the descriptors: the connection stays itself."""
    client, server = handshake(*pair())
    exchange(client, server)
    for tls, role in ((client, "client"), (server, "server")):
        say(tls, role, tls)
    keep = [os.dup(s.fileno()) for s in (client, server)]
    for tls, other in zip((client, server), pair()):
        os.dup2(other.fileno(), tls.fileno())
    for tls, fd in zip((client, server), keep):
        os.dup2(fd, tls.fileno())
    exchange(client, server)


def forked():
    """The child goes on where the parent has not begun: both own the same socket."""
    client, server = handshake(*pair())
    child = os.fork()
    if not child:
        assert server.recv(100) == b"question"
        server.sendall(b"answer")
        say(server, "server", server)
        sys.stdout.flush()
        os._exit(0)
    client.sendall(b"question")
    assert client.recv(100) == b"answer"
    say(client, "client", client)
    assert os.waitpid(child, 0)[1] == 0


async def serve(reader, writer):
    await reader.readexactly(8)
    writer.write(b"answer")
    await writer.drain()
    say(writer.get_extra_info("ssl_object"), "server", writer.get_extra_info("socket"))
    writer.close()


async def ask(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=CLIENT,
                                                   server_hostname=NAME)
    writer.write(b"question")
    assert await reader.readexactly(6) == b"answer"
    say(writer.get_extra_info("ssl_object"), "client", writer.get_extra_info("socket"))
    writer.close()


async def by_asyncio():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=SERVER, backlog=400)
    port = server.sockets[0].getsockname()[1]
    await asyncio.gather(*[ask(port) for _ in range(200)])
    server.close()


if WAY.startswith("asyncio"):
    asyncio.run(by_asyncio())
else:
    {"reuse": reuse, "swapped": swapped, "forked": forked, "calls": calls,
     "retry": in_memory, "unix_memory": in_memory,
     "pieces": lambda: in_memory("pieces", known=False),
     "relayed": lambda: relayed(in_child),
     "relayed_inside": lambda: relayed(in_thread)}.get(WAY, talk)()
