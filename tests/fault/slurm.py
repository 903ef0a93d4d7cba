# SPDX-License-Identifier: Apache-2.0
"""train.sbatch under a real slurmctld and slurmd on this machine: slurm.py TALWEG. Root, with slurm-wlm and munge installed."""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from rig import SOURCE, Job, Rig, expect

PORTS = 26817, 26818  # not a cluster's own
CONFIGURATION = """ClusterName=talweg
SlurmctldHost={host}
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmUser=root
ReturnToService=2
MpiDefault=none
KillWait=30
JobRequeue=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
NodeName={host} CPUs={cpus} State=UNKNOWN
PartitionName=low Nodes=ALL Default=YES MaxTime=10 State=UP PriorityTier=1 GraceTime=60
PartitionName=high Nodes=ALL MaxTime=10 State=UP PriorityTier=2 PreemptMode=OFF
"""


class Cluster:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        conf = self.folder / "slurm.conf"
        conf.write_text(CONFIGURATION.format(host=socket.gethostname(), ports=PORTS, folder=folder, cpus=os.cpu_count()))
        self.environment = {**os.environ, "SLURM_CONF": str(conf)}
        self.daemons = []
        self.waits = None  # since when the job asked about waits for its time

    def __enter__(self):
        # munge's own key and socket are the machine's; a daemon of this test's when none runs
        if subprocess.run(["munge", "-n"], capture_output=True).returncode != 0:
            pathlib.Path("/run/munge").mkdir(exist_ok=True)
            shutil.chown("/run/munge", "munge", "munge")
            self.start(["runuser", "-u", "munge", "--", "/usr/sbin/munged", "--foreground"])
            self.until(lambda: subprocess.run(["munge", "-n"], capture_output=True).returncode == 0, "munge")
        self.start(["/usr/sbin/slurmctld", "-D"])
        self.start(["/usr/sbin/slurmd", "-D"])
        self.until(lambda: "idle" in self.ask("sinfo", "-h", "-p", "low", "-o", "%t"), "an idle node")
        return self

    def __exit__(self, *_):
        for daemon in reversed(self.daemons):
            daemon.terminate()
        for daemon in reversed(self.daemons):
            daemon.wait(30)

    def start(self, command):
        log = open(self.folder / f"{pathlib.Path(command[-2]).name}.out", "wb")
        self.daemons.append(subprocess.Popen(command, env=self.environment, stdout=log, stderr=log))

    def ask(self, *command):
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        return done.stdout + done.stderr

    def until(self, true, what, seconds=60):
        begin = time.monotonic()
        while not true():
            if time.monotonic() - begin > seconds:
                logs = "\n".join(f"{p.name}: {p.read_text(errors='replace')[-2000:]}" for p in self.folder.glob("*.log"))
                expect(False, f"no {what} in {seconds} s\n{logs}")
            time.sleep(0.2)

    def submit(self, *arguments, **more):
        said = subprocess.run(["sbatch", "--parsable", *map(str, arguments)], env={**self.environment, **more}, capture_output=True, text=True)
        expect(said.returncode == 0, f"sbatch: {said.stderr}")
        return said.stdout.strip()

    def state(self, job):
        """Its state, and how often it was started again. Slurm has a job that is requeued wait for two minutes, until its last
        credential is forgotten everywhere: on one idle machine a quarter of one is enough."""
        told = self.ask("scontrol", "show", "job", job)
        found = re.search(r"JobState=(\S+) Reason=(\S+)", told)
        expect(found, told)
        if found[1] != "PENDING" or found[2] != "BeginTime":
            self.waits = None
        elif self.waits is None:
            self.waits = time.monotonic()
        elif time.monotonic() - self.waits > 30:
            self.ask("scontrol", "update", f"JobId={job}", "StartTime=now")
        return found[1], int(re.search(r"Restarts=(\d+)", told)[1])


def main():
    with tempfile.TemporaryDirectory(prefix="talweg-slurm-") as folder:
        rig = Rig(os.path.abspath(sys.argv[1]), folder, seed=1)
        summary = json.loads((rig.quiet / "summary.json").read_text())
        steps = int(summary["step"] * 60 / summary["seconds"]["part"])  # a minute of them
        more = ["--set", f"run.steps={steps}", "--set", "trace.evaluate_every=200"]
        quiet = rig.folder / "quiet_long"
        undisturbed = Job(rig, quiet, 2, more)
        expect(undisturbed.wait() == 0, undisturbed.said())
        (rig.folder / "cluster").mkdir()
        with Cluster(rig.folder / "cluster") as cluster:
            run, log = rig.folder / "run", rig.folder / "job.log"
            job = cluster.submit("--time=1", "--signal=B:USR1@40", f"--output={log}", SOURCE / "scripts/slurm/train.sbatch", rig.config,
                                 "--run", run, "--threads", "1", "--progress", "none", *more, TALWEG=rig.talweg,
                                 TALWEG_LAUNCH="mpirun --oversubscribe --bind-to none")
            cluster.until(lambda: cluster.state(job)[1] >= 1, "time limit", 150)
            print("time limit: a checkpoint and a requeue", flush=True)
            cluster.until(lambda: cluster.state(job)[0] == "RUNNING", "second start", 150)
            time.sleep(3)
            starts = cluster.state(job)[1]
            urgent = cluster.submit("--partition=high", "--ntasks=2", "--output=/dev/null", "--wrap", "sleep 2")
            cluster.until(lambda: cluster.state(job)[1] > starts, "preemption", 150)
            cluster.until(lambda: cluster.state(urgent)[0] == "COMPLETED", "the urgent job", 150)
            print("preempted: a checkpoint and a requeue", flush=True)
            cluster.until(lambda: cluster.state(job)[0] == "COMPLETED", f"end:\n{log.read_text()}", 400)
            said = log.read_text()
            print(f"finished after {cluster.state(job)[1]} requeues", flush=True)
        expect(said.count("ended with 75: the job is requeued") >= 2, said)
        same = rig.tool("diff", run, quiet)
        expect(same.returncode == 0, f"other bits:\n{same.stdout}{same.stderr}")
        print("the same bits as undisturbed")


if __name__ == "__main__":
    main()
