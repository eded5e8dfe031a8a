# SPDX-License-Identifier: BSD-2-Clause
"""Who talks to whom: what plaintap says of each connection against what its two ends know."""

import json
import ssl

from harness import (CURL, PLAINTAP, TLS_SERVER, Skip, check, check_eq, check_nothing_lost,
                     exchanges, main, need, of_type, os, read_jsonl, shutil, socket, subprocess)
from nginx import nginx_argv, wait_listening
from talking import need_ipv6, talk_argv

FIELDS = ("pid", "role", "local", "remote", "version", "cipher", "sni", "alpn")


def identity(row):
    """Of an exchange or a connection, flat; `sni`, `alpn` and the rest are in conn.tls."""
    conn = row["conn"]
    flat = dict(conn, pid=row["process"]["pid"], **conn["tls"])
    return {key: flat[key] for key in FIELDS}


def in_order(identities):
    return sorted(identities, key=lambda i: json.dumps(i, sort_keys=True))


def talk(case, way, prefix=()):
    """All connections that plaintap saw of one run of talk.py, against its own word."""
    argv = talk_argv(case, way)
    flows, jsonl = case.path("flows") + "/", case.path("out.jsonl")
    p = case.tap_run("-o", flows, "-o", jsonl, "--", *prefix, *argv)
    truth = [json.loads(line) for line in p.out().splitlines()]
    check(truth, "talk.py told its truth")
    rows = read_jsonl(jsonl)
    check_nothing_lost(rows)
    found = of_type(read_jsonl(flows + "index.jsonl"), "connection")
    check_eq(in_order(map(identity, found)), in_order(truth), "connections")
    # The same in the lines of their bytes.
    check(all(identity(r) in truth for r in of_type(rows, "data")), "data lines agree")
    unknown = sum(not t["local"] for t in truth)
    check_eq(of_type(rows, "summary")[0]["stream"]["connections_unaddressed"], unknown,
             "connections without an address")
    return truth


def test_ipv6(case):
    need_ipv6()
    check(all("[::1]:" in t["local"] for t in talk(case, "ipv6")), "the test used IPv6")


def test_mapped(case):
    need_ipv6()
    check(all(t["local"].startswith("127.0.0.1:") for t in talk(case, "mapped")), "IPv4 form")


def test_namespace(case):
    """Addresses as the program sees them, of a network that is not the machine's."""
    need("unshare", "ip")
    prefix = ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    if subprocess.run(prefix + ["true"], stderr=subprocess.DEVNULL).returncode:
        raise Skip("network namespaces are not allowed here")
    talk(case, "ipv4", prefix)


def test_asyncio(case):
    check_eq(len(talk(case, "asyncio")), 400, "connection objects")


def test_asyncio_12(case):
    check_eq(len(talk(case, "asyncio12")), 400, "connection objects")


def test_asyncio_kept_out(case):
    """Its addresses are known in time for the filters."""
    jsonl = case.path("out.jsonl")
    case.tap_run("--exclude-host", "127.0.0.1", "-o", jsonl, "--", *talk_argv(case, "asyncio"))
    rows = read_jsonl(jsonl)
    check_eq(of_type(rows, "data"), [], "data lines")
    check_eq(of_type(rows, "summary")[0]["kernel"]["conns_filtered"], 400, "filtered")


def need_recv_length():
    """Of a socket that is not TCP's, only newer kernels tell what is received."""
    if tuple(map(int, os.uname().release.split(".")[:2])) < (6, 3):
        raise Skip("this kernel has no tracepoint sock_recv_length")


def test_unix_memory(case):
    need_recv_length()
    talk(case, "unix_memory")


def curl(case, *args):
    """The exchanges of a curl under plaintap, and what curl says of its own socket."""
    need("curl")
    jsonl = case.path("out%d.jsonl" % case.next_number())
    p = case.tap_run("-o", jsonl, "--", *CURL, "-o", "/dev/null", "-w",
                     "%{local_ip}:%{local_port} %{remote_ip}:%{remote_port}\n", *args)
    rows = read_jsonl(jsonl)
    check_nothing_lost(rows)
    return exchanges(rows), [line.split() for line in p.out().decode().splitlines()]


def curl_tls(case, args, version, cipher):
    s = case.server()
    found, words = curl(case, s.url + "/users/1", *args)
    check_eq([(i["role"], i["local"], i["remote"], i["version"], i["cipher"], i["sni"], i["alpn"])
              for i in map(identity, found)],
             [("client", *words[0], version, cipher, "localhost", None)], "curl")
    check_eq(words[0][1], "127.0.0.1:%d" % s.port, "curl talked to the server")
    tls = found[0]["conn"]["tls"]
    check(tls["library"], "the library has a path")
    said = subprocess.run(["curl", "--version"], stdout=subprocess.PIPE, check=True).stdout.decode()
    if "OpenSSL/" in said:
        check_eq(tls["library_version"], "OpenSSL " + said.split("OpenSSL/")[1].split()[0],
                 "the library's version")


def test_curl_13(case):
    curl_tls(case, ["--tlsv1.3", "--tls13-ciphers", "TLS_CHACHA20_POLY1305_SHA256"], "TLS 1.3",
             "TLS_CHACHA20_POLY1305_SHA256")


def test_curl_12(case):
    curl_tls(case, ["--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256"], "TLS 1.2",
             "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")


def test_curl_address_has_no_sni(case):
    s = case.server()
    found, _ = curl(case, "https://127.0.0.1:%d/users/1" % s.port)
    check_eq([identity(x)["sni"] for x in found], [None], "SNI")


def test_curl_many(case):
    """curl reads its sockets by a BIO of its own; all in one thread, on two servers."""
    servers = [case.server(), case.server()]
    found, words = curl(case, "--parallel", "--parallel-immediate",
                        servers[0].url + "/bytes/5000?n=[1-8]", "-o", "/dev/null",
                        servers[1].url + "/bytes/5000?n=[1-8]")
    check_eq(len(found), 16, "exchanges")
    check_eq(len(words), 16, "curl's words")
    for x in found:
        check_eq(x["conn"]["remote"], x["request"]["host"].replace("localhost", "127.0.0.1"),
                 "remote")
        check([x["conn"]["local"], x["conn"]["remote"]] in words, "curl knows this socket")


def test_curl_unix(case):
    need_recv_length()
    path = case.path("https")
    nginx = case.run(nginx_changed(case, "listen ", "listen unix:%s ssl; listen " % path))
    wait_listening(case, nginx)
    found, _ = curl(case, "--unix-socket", path, "https://localhost/data?[1-3]")
    check_eq([(i["role"], i["local"], i["remote"]) for i in map(identity, found)],
             [("client", "unix:", "unix:" + path)] * 3, "curl")


NODE = """
const tls = require('tls'), fs = require('fs'), dir = process.argv[1];
const text = s => [s.localAddress + ':' + s.localPort, s.remoteAddress + ':' + s.remotePort];
const say = (role, s) => console.log(JSON.stringify([role, ...text(s)]));
const server = tls.createServer({ cert: fs.readFileSync(dir + '/cert.pem'),
                                  key: fs.readFileSync(dir + '/key.pem') }, s => {
    s.on('error', () => {});
    s.on('data', () => { say('server', s); s.end('answer'); });
});
let left = 20;
server.listen(0, '127.0.0.1', () => {
    for (let i = left; i; i--) {
        const c = tls.connect({ port: server.address().port, host: '127.0.0.1',
                                rejectUnauthorized: false }, () => c.write('question'));
        c.on('data', () => say('client', c));
        c.on('close', () => --left || server.close());
    }
});
"""


def test_node(case):
    need("node")
    if subprocess.run([PLAINTAP, "ls", "--probes", os.path.realpath(shutil.which("node"))],
                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
        raise Skip("this node does not carry OpenSSL")
    subprocess.run([TLS_SERVER, "--write-cert", case.tmp], check=True)
    flows = case.path("flows") + "/"
    p = case.tap_run("-o", flows, "--", "node", "-e", NODE, case.tmp)
    rows = of_type(read_jsonl(flows + "index.jsonl"), "connection")
    found = [[i["role"], i["local"], i["remote"]] for i in map(identity, rows)]
    check_eq(sorted(found), sorted(map(json.loads, p.out().splitlines())), "connections")
    check_eq(len(found), 40, "connection objects")


def nginx_changed(case, old, new):
    """nginx's command line, with a change of its configuration."""
    argv = nginx_argv(case, 1000)
    with open(argv[-1], encoding="utf-8") as f:
        text = f.read()
    with open(argv[-1], "w", encoding="utf-8") as f:
        f.write(text.replace(old, new))
    return argv


def test_nginx(case):
    argv = nginx_changed(case, "root ", "ssl_protocols TLSv1.2 TLSv1.3; root ")
    jsonl = case.path("out.jsonl")
    tap = case.tap("-o", jsonl, "--", *argv)
    wait_listening(case, tap)
    words = []
    for version in ("1.2", "1.3"):
        p = case.run(CURL + ["--tls-max", version, "-o", "/dev/null", "-w",
                             "%{local_ip}:%{local_port} %{remote_ip}:%{remote_port}",
                             "https://localhost:%d/data" % case.port])
        check_eq(p.wait(), 0, "curl")
        words.append(("TLS " + version, *p.out().decode().split()))
    tap.stop()
    tap.wait()
    rows = read_jsonl(jsonl)
    check_nothing_lost(rows)
    check_eq([(i["role"], i["version"], i["remote"], i["local"], i["alpn"], i["sni"])
              for i in map(identity, exchanges(rows))],
             [("server", *w, "http/1.1", "localhost") for w in words], "nginx")


def test_resumed(case):
    """A session of TLS 1.2 that is resumed: its name is the session's, a second's is its own."""
    argv = nginx_changed(case, "root ", "ssl_protocols TLSv1.2; root ")
    jsonl = case.path("out.jsonl")
    tap = case.tap("-o", jsonl, "--", *argv)
    wait_listening(case, tap)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    session, resumed, names = None, [], ["one.example", "one.example", "two.example", None]
    for name in names:
        with socket.create_connection(("127.0.0.1", case.port)) as plain:
            with context.wrap_socket(plain, server_hostname=name,
                                     session=session if name == names[0] else None) as s:
                s.sendall(b"GET /data HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                while s.recv(65536):
                    pass
                session = session or s.session
                resumed.append(s.session_reused)
    check_eq(resumed, [False, True, False, False], "resumed")
    tap.stop()
    tap.wait()
    rows = read_jsonl(jsonl)
    check_nothing_lost(rows)
    check_eq([(i["role"], i["version"], i["sni"]) for i in map(identity, exchanges(rows))],
             [("server", "TLS 1.2", name) for name in names], "nginx")


def test_proxy(case):
    """One process between two connections: each is its own."""
    s = case.server()
    argv = nginx_changed(case, "root ", "location / { proxy_pass https://127.0.0.1:%d; } root "
                         % s.port)
    jsonl = case.path("out.jsonl")
    tap = case.tap("-o", jsonl, "--", *argv)
    wait_listening(case, tap)
    p = case.run(CURL + ["-o", "/dev/null", "-w", "%{local_ip}:%{local_port}",
                         "https://localhost:%d/users/1" % case.port])
    check_eq(p.wait(), 0, "curl")
    tap.stop()
    tap.wait()
    rows = read_jsonl(jsonl)
    check_nothing_lost(rows)
    check_eq(len(exchanges(rows)), 2, "exchanges")
    found = {i["role"]: i for i in map(identity, exchanges(rows))}
    check_eq(sorted(found), ["client", "server"], "roles")
    check_eq(found["server"]["remote"], p.out().decode(), "who asked")
    check_eq(found["server"]["local"], "127.0.0.1:%d" % case.port, "who was asked")
    check_eq(found["client"]["remote"], "127.0.0.1:%d" % s.port, "who was asked next")


def way(name, text):
    return text, lambda case: talk(case, name)


main([
    ("curl, TLS 1.3", test_curl_13),
    ("curl, TLS 1.2", test_curl_12),
    ("curl, an address instead of a name", test_curl_address_has_no_sni),
    ("curl, 16 connections at once", test_curl_many),
    ("nginx as a server", test_nginx),
    ("nginx resumes a session", test_resumed),
    ("nginx as a proxy", test_proxy),
    way("ipv4", "IPv4, TLS 1.3"),
    way("tls12", "IPv4, TLS 1.2"),
    ("IPv6", test_ipv6),
    ("IPv4 to a socket of IPv6", test_mapped),
    way("unix", "a Unix socket"),
    way("abstract", "an abstract Unix socket"),
    way("socketpair", "a socket pair"),
    way("reuse", "descriptors used again"),
    way("swapped", "a descriptor that stands for another socket for a while"),
    ("another network namespace", test_namespace),
    way("forked", "a socket inherited by fork"),
    ("asyncio, 200 connections at once", test_asyncio),
    ("asyncio, TLS 1.2", test_asyncio_12),
    ("asyncio, kept out by its addresses", test_asyncio_kept_out),
    way("calls", "each call that receives, with OpenSSL in memory"),
    way("retry", "a server that asks for another hello"),
    way("relayed", "another process of the capture relays the bytes"),
    way("relayed_inside", "the process itself relays the bytes: unknown, not wrong"),
    way("pieces", "a hello that is received in pieces: unknown, not wrong"),
    ("a Unix socket, with OpenSSL in memory", test_unix_memory),
    ("curl over a Unix socket", test_curl_unix),
    ("node", test_node),
])
