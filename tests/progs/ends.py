# SPDX-License-Identifier: BSD-2-Clause
"""A client and a server in one process, joined by a socket, that end their connection in one way.

    ends.py FOLDER WAY      FOLDER: with cert.pem and key.pem

Way "wait" says READY and waits for a line, before the connection and when bytes have passed.
"""

import os
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


def connect():
    server_context, client_context = contexts()
    one, other = sockets()
    made = []
    thread = threading.Thread(target=lambda: made.append(
        server_context.wrap_socket(other, server_side=True)))
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


def reset(client, server):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    try:
        assert server.recv(100) == b""
    except ConnectionResetError:
        pass


def reset_unread(client, server):
    """The server never looks at its socket again."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def garbage(client, server):
    """A record that is none."""
    os.write(client.fileno(), b"\x17\x03\x03\x00\x20" + b"x" * 32)
    try:
        server.recv(100)
        raise AssertionError("it was taken")
    except ssl.SSLError:
        pass


WAYS = {"both": both_ways, "unix-both": both_ways, "one": one_way, "abrupt": abrupt,
        "unix-abrupt": abrupt, "reset": reset, "reset-unread": reset_unread, "garbage": garbage}

if WAY == "wait":
    say_ready()
ENDS = connect()
if WAY in WAYS:
    WAYS[WAY](*ENDS)
    for end in reversed(ENDS):
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
