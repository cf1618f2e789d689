# SPDX-License-Identifier: Apache-2.0
"""What can go wrong: each kind begins, lasts and is mended before it returns.

    World (detectors, brokers, disk, clock) + dice -> kind(world, dice) -> what was done, in words
"""
import os
import signal
import time


def kill_detector(world, dice):
    name = dice.choice(world.names)
    world.kill(name)
    time.sleep(dice.uniform(0, 1))
    world.ensure(name)
    return f"kill -9 {name}"


def stop_detector(world, dice):
    """Longer than its session: it wakes up as a zombie."""
    name = dice.choice(world.names)
    seconds = world.stop_seconds
    world.detectors[name].child.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    world.detectors[name].child.send_signal(signal.SIGCONT)
    return f"SIGSTOP {name} for {seconds} s"


def slow_disk(world, dice):
    milliseconds = dice.choice([50, 200, 800])
    world.bad_day(fsync_ms=milliseconds)
    time.sleep(dice.uniform(2, 4))
    world.bad_day()
    return f"each fsync {milliseconds} ms slower"


def full_disk(world, dice):
    filler = world.pipeline.folder / "data" / "filler"
    space = os.statvfs(filler.parent)
    with open(filler, "wb") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, space.f_bavail * space.f_bsize - dice.randrange(0, 40) * 1024)
        except OSError:
            pass  # others wrote meanwhile: it is as good as full
    time.sleep(dice.uniform(1, 3))
    filler.unlink()
    return "disk full"


def clock_step(world, dice):
    seconds = dice.choice([-3600, -30, 30, 3600])
    world.bad_day(clock_off_s=seconds)
    time.sleep(dice.uniform(1, 3))
    world.bad_day()
    return f"clock steps by {seconds} s and back"


def kill_broker(world, dice):
    node = world.any_node(dice)
    world.cluster.kill(node)
    time.sleep(dice.uniform(0, 3))
    world.cluster.start_node(node)
    return f"kill -9 broker {node}"


def rolling_restart(world, _):
    for node in world.nodes:
        world.cluster.stop(node)
        world.cluster.start_node(node)
        time.sleep(1)
    return "rolling restart of the brokers"


def partition_broker(world, dice):
    node, seconds = world.any_node(dice), dice.uniform(1, 8)
    world.cluster.cut(node)
    time.sleep(seconds)
    world.cluster.heal()
    return f"broker {node} unreachable for {seconds:.1f} s"


def latency(world, dice):
    for node in world.nodes:
        world.cluster.toxic(node, "latency", latency=500, jitter=100)
    time.sleep(dice.uniform(3, 6))
    world.cluster.heal()
    return "500 ms of latency each way"


def resets(world, dice):
    """Of what is connected one in a hundred, of one broker every other one."""
    worst = world.any_node(dice)
    for node in world.nodes:
        world.cluster.toxic(node, "reset_peer", share=0.5 if node == worst else 0.01, timeout=dice.randrange(0, 1_000))
    time.sleep(dice.uniform(1, 4))
    world.cluster.heal()
    return f"connections reset, most of broker {worst}"


ON_EITHER_BUS = [kill_detector, stop_detector, slow_disk, full_disk, clock_step]
OF_BROKERS = [kill_broker, rolling_restart, partition_broker, latency, resets]
