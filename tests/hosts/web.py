"""Three nginx that serve one site, the HAProxy in front of them, and the host that they ask about the stock.

What `inventories/web` says that the runbooks rely on is made here, and nothing that they do themselves.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from tests.hosts.network import Network
from tests.hosts.systemd_host import SystemdHost, host, wait_until
from tests.hosts.tree import Recipe

RECIPE = Recipe(packages=("nginx-light", "haproxy", "openssl", "curl"))
WEB = ("web1", "web2", "web3")

_NGINX = """\
proxy_cache_path /var/cache/nginx-stock keys_zone=stock:1m;
server {{
  listen 80;
  listen 443 ssl;
  ssl_certificate /etc/nginx/tls/site.crt;
  ssl_certificate_key /etc/nginx/tls/site.key;
  client_max_body_size 10m;
  root /srv/site/current;
  location = /ready {{
    if (-f /run/site-draining) {{ return 404; }}
    return 200;
  }}
  location = /stock {{
    proxy_pass http://{stock};
    proxy_cache stock;
    proxy_cache_valid 200 1s;
    proxy_cache_use_stale error timeout updating;
    proxy_cache_background_update on;
  }}
  location = /send {{
    client_body_in_file_only clean;
    client_body_temp_path /srv/spool;
    proxy_pass http://127.0.0.1/taken;
  }}
  location = /taken {{ return 204; }}
}}
"""
_STOCK = """\
server {
  listen 80;
  root /srv/stock;
}
"""
_BALANCER = """\
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
  retries 3
  option redispatch 1
  # nginx keeps a connection on which it served an old answer until the new one is there: it is not used again.
  option http-server-close
  retry-on conn-failure empty-response response-timeout
frontend site
  bind :80
  default_backend web
listen status
  bind :8404
  stats enable
  stats uri /
backend web
  option httpchk GET /ready
  http-check disable-on-404
  default-server inter 200ms fall 2 rise 2 ssl verify required ca-file /etc/haproxy/site.crt verifyhost site.test
{servers}
"""
_SERVE_SITE = """\
systemctl disable --now haproxy
mkdir -p /etc/nginx/tls /srv/site/releases/1.0 /srv/spool /var/cache/nginx-stock
echo 'tmpfs /srv/spool tmpfs size=16m,mode=1777 0 0' >>/etc/fstab
mount /srv/spool
echo 'release 1.0' >/srv/site/releases/1.0/index.html
echo complete >/srv/site/releases/1.0/health.html
ln -s releases/1.0 /srv/site/current
"""
_SERVE_STOCK = """\
systemctl disable --now haproxy
mkdir -p /srv/stock
head -c 200000 /dev/urandom >/srv/stock/stock
"""
_CERTIFICATE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout {folder}/site.key "
    "-out {folder}/site.crt -days 30 -subj /CN=site.test -addext subjectAltName=DNS:site.test"
)


@dataclass
class Farm:
    """All of them, by name."""

    hosts: dict[str, SystemdHost]
    network: Network

    @property
    def site(self) -> str:
        """What users open."""
        return f"http://{self.hosts['lb1'].address}/"

    def inventory(self, known: Path) -> str:
        """As a user would write it."""
        lines = ["all:", "  vars:", "    ansible_user: root"]
        options = f"-F none -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile={known}"
        lines.append(f"    ansible_ssh_common_args: {options}")
        settings = {
            "site_url": self.site,
            "status_url": f"{self.site[:-1]}:8404/;csv",
            "backend": "web",
            "drain_file": "/run/site-draining",
            "certificate": "/etc/nginx/tls/site.crt",
            "certificate_key": "/etc/nginx/tls/site.key",
            "site": "/srv/site",
            "spool": "/srv/spool",
        }
        lines += [f'    {name}: "{value}"' for name, value in settings.items()]
        lines.append("  children:")
        for group, names in (("web", WEB), ("balancer", ("lb1",)), ("stock", ("stock1",))):
            lines += [f"    {group}:", "      hosts:"]
            for name in names:
                made = self.hosts[name]
                reach = f"{{ansible_host: {made.address}, ansible_ssh_private_key_file: {made.key}}}"
                lines.append(f"        {name}: {reach}")
        return "\n".join(lines) + "\n"

    def status(self) -> dict[str, str]:
        """What the balancer says of each server."""
        with urlopen(f"{self.site[:-1]}:8404/;csv", timeout=5) as said:
            rows = [line.decode().split(",") for line in said]
        return {row[1]: row[17] for row in rows if row[0] == "web" and row[1] in WEB}


@contextlib.contextmanager
def farm(network: Network, folder: Path) -> Iterator[Farm]:
    """All of it, serving; gone at the end."""
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(5) as pool:
        first = stack.enter_context(host(network, "lb1", folder, RECIPE))
        hosts = {"lb1": first}
        for name in (*WEB, "stock1"):
            hosts[name] = stack.enter_context(host(network, name, folder, RECIPE))
        made = Farm(hosts, network)
        _certify(made, folder)
        list(pool.map(lambda name: _furnish(made, name), hosts))
        wait_until(lambda: set(made.status().values()) == {"UP"}, 30, made.status)
        yield made


def _certify(made: Farm, folder: Path) -> None:
    """One pair for all, which is its own authority."""
    subprocess.run(_CERTIFICATE.format(folder=folder).split(), check=True, capture_output=True)
    for name, where in (*((name, "etc/nginx/tls") for name in WEB), ("lb1", "etc/haproxy")):
        into = made.hosts[name].root / where
        into.mkdir(parents=True, exist_ok=True)
        for file in ("site.crt", "site.key"):
            (into / file).write_text((folder / file).read_text())


def _furnish(made: Farm, name: str) -> None:
    one = made.hosts[name]
    # sudo looks its own host up, and waits long where nobody answers.
    with (one.root / "etc/hosts").open("a") as names:
        names.write(f"127.0.1.1 {one.name}\n")
    site = one.root / "etc/nginx/sites-enabled/default"
    if name == "lb1":
        servers = "".join(f"  server {web} {made.hosts[web].address}:443 check\n" for web in WEB)
        (one.root / "etc/haproxy/haproxy.cfg").write_text(_BALANCER.format(servers=servers))
        one.said("systemctl disable --now nginx; systemctl restart haproxy")
        return
    site.unlink()
    site.write_text(_STOCK if name == "stock1" else _NGINX.format(stock=made.hosts["stock1"].address))
    one.said(f"{_SERVE_STOCK if name == 'stock1' else _SERVE_SITE}systemctl restart nginx")
