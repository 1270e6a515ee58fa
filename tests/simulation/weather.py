"""What may happen in a world, and how likely it is."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Weather:
    """What may go wrong, as probabilities; ``slow`` is the longest way of a message in seconds."""

    clients: int
    actions: int
    pause: float
    slow: float
    harm: float = 0.0
    disk: float = 0.0
    lost_answers: float = 0.0
    #: Virtual seconds between two mishaps of processes and connections; 0 for none.
    mishaps: float = 0.0
    #: Virtual seconds between two reloads; 0 for none.
    reloads: float = 0.0
    watchers: int = 0
    #: Clients promote lanes and roll back; otherwise they count.
    releases: bool = False
    #: How likely a lane that is written has a time to live.
    lives: float = 0.0
    #: The number of revisions that are kept as history; 0 for all.
    history: int = 0
    #: The number of events that the server keeps for watches, and of revisions that wait for one.
    kept_events: int = 4096
    waiting_events: int = 1024

    @staticmethod
    def of(random: Random) -> Weather:
        def sometimes(value: float) -> float:
            return value if random.random() < 0.5 else 0.0

        return Weather(
            clients=random.choice((1, 2, 2, 3)),
            actions=random.randint(3, 8),
            pause=random.choice((0.3, 2.0, 8.0)),
            slow=random.choice((0.002, 0.05, 0.3)),
            harm=sometimes(0.4),
            disk=sometimes(0.15),
            lost_answers=sometimes(0.2),
            mishaps=sometimes(random.choice((1.0, 5.0, 20.0))),
            reloads=sometimes(random.choice((6.0, 15.0, 40.0))),
            watchers=random.choice((0, 1, 2)),
            releases=random.random() < 0.5,
            lives=sometimes(0.4),
            history=int(sometimes(random.choice((3, 10, 30)))),
            kept_events=random.choice((2, 20, 4096)),
            waiting_events=random.choice((2, 1024)),
        )
