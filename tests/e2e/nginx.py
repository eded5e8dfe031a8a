# SPDX-License-Identifier: BSD-2-Clause
"""nginx with a configuration of its own, in the test's folder, on a port that was free."""

import time

from harness import (BLOCKS, START_SECONDS, TLS_SERVER, Failed, free_port, need, os, shutil, socket,
                     subprocess)

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


def nginx_argv(case, size):
    """Its command line; /data is that many bytes of the blocks."""
    need("nginx", "curl")
    tmp = case.tmp
    os.mkdir(tmp + "/www")
    with open(tmp + "/www/data", "wb") as f:
        subprocess.run([BLOCKS, str(size)], check=True, stdout=f)
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
