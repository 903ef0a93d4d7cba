# SPDX-License-Identifier: Apache-2.0
"""Hosts on one machine, for programs under mpirun: network namespaces on a bridge, each with a host name of its own. Root only."""
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile

NETWORK = "10.77.0"


def ip(*arguments):
    done = subprocess.run(["ip", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"ip {' '.join(map(str, arguments))}: {done.stderr.strip()}")


class Hosts:
    """`with Hosts(2) as hosts: run([*hosts.launcher(), program])`: one rank on each. `limit` is the speed of each cable in Mb/s."""

    def __init__(self, count, limit=None):
        self.names = [f"talweg{os.getpid()}-{k + 1}" for k in range(count)]
        self.bridge = f"tw{os.getpid() % 1000000}"
        self.limit = limit
        self.folder = None

    def __enter__(self):
        for tool in ("ip", "tc", "unshare"):
            if shutil.which(tool) is None:
                sys.exit(f"{tool}: no such program; expected iproute2 and util-linux")
        try:
            self.make()
        except BaseException:
            self.__exit__()
            raise
        return self

    def make(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        # The bridge is in a separate namespace, so it does not appear in the machine's network.
        switch = self.switch
        ip("netns", "add", switch)
        ip("-n", switch, "link", "add", self.bridge, "type", "bridge")
        ip("-n", switch, "link", "set", self.bridge, "up")
        table = "127.0.0.1 localhost\n" + "".join(f"{NETWORK}.{k + 1} {name}\n" for k, name in enumerate(self.names))
        for k, name in enumerate(self.names):
            ip("netns", "add", name)
            etc = pathlib.Path("/etc/netns") / name  # what `ip netns exec` shows as /etc/hosts there
            etc.mkdir(parents=True)
            (etc / "hosts").write_text(table)
            ip("link", "add", "eth0", "netns", name, "type", "veth", "peer", "name", f"port{k}", "netns", switch)
            ip("-n", switch, "link", "set", f"port{k}", "master", self.bridge, "up")
            ip("-n", name, "addr", "add", f"{NETWORK}.{k + 1}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "lo", "up")
            ip("-n", name, "link", "set", "eth0", "up")
            if self.limit:
                shape = ["tc", "-n", name, "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", f"{self.limit}mbit", "burst", "128kb", "latency", "50ms"]
                subprocess.run(shape, check=True)
        self.script("enter", 'host=$1; shift\nexec ip netns exec "$host" unshare -u sh -c \'hostname "$0"; exec "$@"\' "$host" "$@"\n')
        self.script("agent", f'host=$1; shift\nexec "{self.folder}/enter" "$host" sh -c "$*"\n')

    def script(self, name, body):
        file = self.folder / name
        file.write_text("#!/bin/sh\n" + body)
        file.chmod(file.stat().st_mode | stat.S_IXUSR)

    @property
    def switch(self):
        return f"talweg{os.getpid()}-0"

    def launcher(self):
        """mpirun inside the first host; the others are reached through the agent, ranks through TCP."""
        subnet = f"{NETWORK}.0/24"
        mca = {"plm_rsh_agent": f"{self.folder}/agent", "pml": "ob1", "btl": "tcp,self", "btl_tcp_if_include": subnet, "oob_tcp_if_include": subnet}
        hosts = ",".join(f"{name}:1" for name in self.names)
        options = [word for key, value in mca.items() for word in ("--mca", key, value)]
        # Both hosts number the same cores: without a binding option all ranks would run on the first core.
        return [f"{self.folder}/enter", self.names[0], "mpirun", "-n", len(self.names), "--host", hosts, "--bind-to", "none", *options]

    def __exit__(self, *_):
        for name in [*self.names, self.switch]:
            for process in subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True).stdout.split():
                subprocess.run(["kill", "-KILL", process], capture_output=True)  # an orted that does not react to requests
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
            shutil.rmtree(pathlib.Path("/etc/netns") / name, ignore_errors=True)
        if pathlib.Path("/etc/netns").is_dir() and not any(pathlib.Path("/etc/netns").iterdir()):
            pathlib.Path("/etc/netns").rmdir()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
