# SPDX-License-Identifier: BSD-2-Clause
"""nginx as the traced server, with its own configuration; curl, untraced, as its client."""

import time

from harness import (CURL, START_SECONDS, TLS_SERVER, Failed, blocks_bytes, body_in_flow, check,
                     check_eq, check_nothing_lost, exchanges, free_port, hashlib, main, need, os,
                     read_jsonl, shutil, signal, socket, subprocess)

SIZE = 3000001
CONFIG = """
daemon off; master_process on; worker_processes 1; %(user)s
pid %(tmp)s/nginx.pid; error_log %(tmp)s/error.log;
events { worker_connections 64; }
http {
    access_log off; sendfile off;
    client_body_temp_path %(tmp)s/t1; proxy_temp_path %(tmp)s/t2; fastcgi_temp_path %(tmp)s/t3;
    uwsgi_temp_path %(tmp)s/t4; scgi_temp_path %(tmp)s/t5;
    server {
        listen 127.0.0.1:%(port)d ssl; ssl_certificate %(tmp)s/cert.pem;
        ssl_certificate_key %(tmp)s/key.pem; root %(tmp)s/www;
    }
}
"""


def nginx_argv(case):
    need("nginx", "curl")
    tmp = case.tmp
    os.mkdir(tmp + "/www")
    with open(tmp + "/www/data", "wb") as f:
        f.write(blocks_bytes(SIZE))
    subprocess.run([TLS_SERVER, "--write-cert", tmp], check=True)
    case.port = free_port()
    user = "user root;" if os.geteuid() == 0 else ""
    with open(tmp + "/nginx.conf", "w", encoding="utf-8") as f:
        f.write(CONFIG % {"tmp": tmp, "port": case.port, "user": user})
    nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    return [nginx, "-p", tmp, "-e", tmp + "/error.log", "-c", tmp + "/nginx.conf"]


def wait_listening(case, program):
    """A connection is the event; between tries it waits for the program's end, not for time."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", case.port), 1).close()
            return
        except OSError:
            pass
        try:
            program.p.wait(0.02)
        except subprocess.TimeoutExpired:
            continue
        raise Failed("ended before it listened: " + program.err())
    raise Failed("does not listen: " + program.err())


def fetch(case):
    got = case.path("got")
    p = case.run(CURL + ["-o", got, "https://localhost:%d/data" % case.port])
    check_eq(p.wait(), 0, "curl's exit status")
    check_eq(os.path.getsize(got), SIZE, "size of what curl received")


def check_seen(case, flows, jsonl):
    rows = read_jsonl(jsonl)
    check_nothing_lost(rows)
    found = [x for x in exchanges(rows) if x["request"]["path"] == "/data"]
    check_eq(len(found), 1, "exchanges")
    x = found[0]
    check_eq(x["conn"]["role"], "server", "role")
    check_eq(x["response"]["status"], 200, "status")
    check_eq(x["process"]["comm"], "nginx", "comm")
    check_eq(x["response"]["body_size"], SIZE, "body_size")
    check_eq(body_in_flow(flows, "sent", SIZE), hashlib.sha256(blocks_bytes(SIZE)).hexdigest(),
             "sent")


def test_attached(case):
    nginx = case.run(nginx_argv(case))
    wait_listening(case, nginx)
    flows, jsonl = case.path("flows") + "/", case.path("out.jsonl")
    p = case.tap("-p", nginx.pid, "-o", flows, "-o", jsonl)
    check(p.ready, "ready: " + p.err())
    fetch(case)
    p.stop(signal.SIGINT)
    check_eq(p.wait(), 0, "plaintap's exit status")
    check_seen(case, flows, jsonl)


def test_later_worker(case):
    nginx = case.run(nginx_argv(case))
    wait_listening(case, nginx)
    flows, jsonl = case.path("flows") + "/", case.path("out.jsonl")
    p = case.tap("-p", nginx.pid, "-o", flows, "-o", jsonl)
    check(p.ready, "ready: " + p.err())
    before = children(nginx.pid)
    nginx.p.send_signal(signal.SIGHUP)  # new workers, the old ones end
    end = time.monotonic() + START_SECONDS
    while children(nginx.pid) & before or not children(nginx.pid):
        check(time.monotonic() < end, "the worker was replaced")
        time.sleep(0.01)
    fetch(case)
    p.stop()
    check_eq(p.wait(), 0, "plaintap's exit status")
    check_seen(case, flows, jsonl)


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as f:
        return set(f.read().split())


def test_started(case):
    argv = nginx_argv(case)
    flows, jsonl = case.path("flows") + "/", case.path("out.jsonl")
    p = case.tap("-o", flows, "-o", jsonl, "--", *argv)
    wait_listening(case, p)
    fetch(case)
    with open(case.path("nginx.pid"), encoding="ascii") as f:
        os.kill(int(f.read()), signal.SIGQUIT)
    check_eq(p.wait(), 0, "exit status")
    check_seen(case, flows, jsonl)


main([("-p master, its worker answers", test_attached),
      ("-p master, a worker started afterwards", test_later_worker),
      ("plaintap -- nginx", test_started)])
