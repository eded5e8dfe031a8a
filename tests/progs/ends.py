# SPDX-License-Identifier: BSD-2-Clause
"""A client and a server in one process, joined by a socket, that end their connection in one way.

    ends.py FOLDER WAY      FOLDER: with cert.pem and key.pem

Way "wait" says READY and waits for a line, before the connection and when bytes have passed.
"""

import ctypes
import os
import select
import socket
import ssl
import struct
import sys
import threading

FOLDER, WAY = sys.argv[1:3]


def contexts():
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(FOLDER + "/cert.pem", FOLDER + "/key.pem")
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    return server, client


def sockets():
    if WAY.startswith("unix"):
        return socket.socketpair()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        return socket.create_connection(listener.getsockname()), listener.accept()[0]


def wrap_server(context, sock):
    if WAY.startswith("memory"):
        return Memory(context, sock, server_side=True)
    return context.wrap_socket(sock, server_side=True)


def connect():
    server_context, client_context = contexts()
    one, other = sockets()
    made = []
    thread = threading.Thread(target=lambda: made.append(
        wrap_server(server_context, other)))
    thread.start()
    client = client_context.wrap_socket(one, server_hostname="ends.example")
    thread.join()
    client.sendall(b"question")
    assert made[0].recv(100) == b"question"
    made[0].sendall(b"answer")
    assert client.recv(100) == b"answer"
    return client, made[0]


def say_ready():
    print("READY", flush=True)
    sys.stdin.readline()


def both_ways(client, server):
    thread = threading.Thread(target=server.unwrap)
    thread.start()
    client.unwrap()
    thread.join()


def one_way(client, server):
    """The client says its word and does not wait for the server's."""
    client.settimeout(0.001)
    try:
        client.unwrap()
    except OSError:
        pass
    assert server.recv(100) == b""


def abrupt(client, server):
    client.close()
    try:
        assert server.recv(100) == b""
    except OSError:
        pass


def close_first(side):
    """The socket before the library's object, which goes with the last reference to it."""
    os.close(side.detach())


def reset_at_close(side):
    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def expect(error, side):
    """The socket's error, which some versions of Python take for an end."""
    try:
        assert side.recv(100) == b""
    except error:
        pass


def reset(client, server):
    reset_at_close(client)
    client.close()
    expect(ConnectionResetError, server)


def reset_unread(client, server):
    """The server never looks at its socket again."""
    reset_at_close(client)
    client.close()


def reset_closed(client, server):
    reset(client, server)
    close_first(server)


def reset_exit(client, server):
    """The server's process ends of it."""
    reset(client, server)
    os._exit(0)


def reset_self(client, server):
    reset_at_close(client)
    close_first(client)
    expect(ConnectionResetError, server)


def unread(client, server):
    """What the client closes its socket without having read it makes a reset."""
    server.sendall(b"more")
    wait_for(client, select.POLLIN)
    close_first(client)
    expect(ConnectionResetError, server)


def unreadable(client, server):
    """The client's kernel gives up a connection whose bytes nobody can read any more."""
    socket.socket.shutdown(client, socket.SHUT_RDWR)
    server.sendall(b"more")
    expect(ConnectionResetError, client)


def wait_for(side, event):
    poll = select.poll()
    poll.register(side.fileno(), event)
    assert poll.poll(20000)


def be_deaf(side):
    """Whatever arrives is thrown away, by its kernel too."""
    code = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
    side.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HP", 1, ctypes.addressof(code)))


def timeout_unread(client, server):
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 100)
    be_deaf(server)
    client.sendall(b"anybody there?")
    wait_for(client, 0)


def timeout(client, server):
    timeout_unread(client, server)
    expect(TimeoutError, client)


def timeout_closed(client, server):
    timeout(client, server)
    close_first(client)


def garbage(client, server):
    """A record that is none."""
    os.write(client.fileno(), b"\x17\x03\x03\x00\x20" + b"x" * 32)
    try:
        server.recv(100)
        raise AssertionError("it was taken")
    except ssl.SSLError:
        pass


class Memory:
    """A side that moves the encrypted bytes itself, and its library knows no socket."""

    def __init__(self, context, sock, **how):
        self.sock, self.got, self.given = sock, ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.got, self.given, **how)
        self.call(self.tls.do_handshake)

    def call(self, function, *args):
        while True:
            try:
                return function(*args)
            except ssl.SSLWantReadError:
                self.flush()
                self.got.write(self.sock.recv(65536))
            finally:
                self.flush()

    def flush(self):
        if self.given.pending:
            self.sock.sendall(self.given.read())

    def recv(self, size):
        return self.call(self.tls.read, size)

    def sendall(self, data):
        self.call(self.tls.write, data)

    def detach(self):
        return self.sock.detach()

    def fileno(self):
        return self.sock.fileno()

    def close(self):
        self.sock.close()


WAYS = {"both": both_ways, "unix-both": both_ways, "one": one_way, "abrupt": abrupt,
        "unix-abrupt": abrupt, "reset": reset, "reset-unread": reset_unread,
        "reset-closed": reset_closed, "reset-exit": reset_exit, "reset-self": reset_self,
        "memory-reset-closed": reset_closed, "unread": unread, "unreadable": unreadable,
        "timeout": timeout, "timeout-unread": timeout_unread, "timeout-closed": timeout_closed,
        "garbage": garbage}

if WAY == "wait":
    say_ready()
ENDS = connect()
if WAY in WAYS:
    WAYS[WAY](*ENDS)
    ENDS = [end for end in reversed(ENDS) if end.fileno() >= 0]
    for end in ENDS:
        end.close()
elif WAY == "exit":
    os._exit(3)
elif WAY == "exec":
    os.execv("/bin/true", ["true"])
elif WAY == "shutdown-exit":
    one_way(*ENDS)
    os._exit(0)
else:
    say_ready()
