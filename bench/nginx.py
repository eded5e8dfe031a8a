# SPDX-License-Identifier: BSD-2-Clause
"""An nginx of our own: one worker, its own configuration, files and port."""

import os
import socket
import subprocess
import time

from common import TLS_SERVER, Failed, Program, find, free_port

CONFIG = """
daemon off; master_process on; worker_processes 1; %(user)s
pid %(tmp)s/nginx.pid; error_log %(tmp)s/error.log;
events { worker_connections 256; }
http {
    access_log off; sendfile off; keepalive_requests 100000000; keepalive_timeout 600s;
    client_body_temp_path %(tmp)s/t1; proxy_temp_path %(tmp)s/t2; fastcgi_temp_path %(tmp)s/t3;
    uwsgi_temp_path %(tmp)s/t4; scgi_temp_path %(tmp)s/t5;
    server {
        listen 127.0.0.1:%(port)d ssl; ssl_certificate %(tmp)s/cert.pem;
        ssl_certificate_key %(tmp)s/key.pem; root %(tmp)s/www;
    }
}
"""


class Nginx:
    """Listens when made. `files`: name -> bytes."""

    def __init__(self, b, files, private=False):
        binary = find("nginx", "nginx-light")
        self.tmp = b.path("nginx")
        os.makedirs(self.tmp + "/www")
        for name, content in files.items():
            with open(os.path.join(self.tmp, "www", name), "wb") as f:
                f.write(content)
        subprocess.run([TLS_SERVER, "--write-cert", self.tmp], check=True)
        self.port = free_port()
        self.url = "https://127.0.0.1:%d" % self.port
        with open(self.tmp + "/nginx.conf", "w", encoding="utf-8") as f:
            f.write(CONFIG % {"tmp": self.tmp, "port": self.port,
                              "user": "user root;" if os.geteuid() == 0 else ""})
        folder, self.library = b.private_library(binary) if private else (None, None)
        self.p = Program(b, [binary, "-p", self.tmp, "-e", self.tmp + "/error.log", "-c",
                             self.tmp + "/nginx.conf"], library_dir=folder)
        b.programs.remove(self.p)  # it outlives the rounds; ended by end()
        self.wait_listening()

    def wait_listening(self):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.p.p.poll() is not None:
                    break
                time.sleep(0.02)
        self.p.end()
        raise Failed("nginx does not listen: " + self.p.err())

    def pids(self):
        """Master and worker."""
        with open("/proc/%d/task/%d/children" % (self.p.pid, self.p.pid), encoding="ascii") as f:
            return [self.p.pid] + [int(pid) for pid in f.read().split()]

    def end(self):
        self.p.end()
