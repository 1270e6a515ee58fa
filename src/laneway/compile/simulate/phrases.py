"""What a simulation says of its reasons, sentence by sentence.

Each sentence has a code and named arguments, so that others can say the same in another language:
the console has every code in Chinese.
"""

from __future__ import annotations

import enum

from laneway.compile.simulate.outcomes import Reason, Why


class Phrase(enum.Enum):
    """A sentence in English, with its arguments in braces."""

    RULE_TAKES = "rule {rule} of lane {lane}: {conditions}"
    SERVICE_IN_NO_GROUP = "{service} is in no lane group"
    NO_HEADER = "the request has no {header}, so it is the baseline's"
    HEADER_NAMES_LANE = "{header} names lane {lane}"
    SOURCE_NAMES_LANE = "{source} {value} names lane {lane}"
    NAMES_NO_LANE = "{source} {value} names no lane, so it counts as none"
    NAMES_INACTIVE_LANE = "{source} {value} names no lane that counts: {reason}"
    LANE_DISABLED = "lane {lane} is disabled"
    LANE_DISABLED_SINCE = "lane {lane} is disabled since {time}"
    LANE_EXPIRED = "lane {lane} expired at {time}"
    GROUP_HAS_NO_LANE = "group {group} has no lane {lane}"
    LANE_HAS_NO_RULE = "lane {lane} has no ingress rule for this request"
    LANE_HAS_NO_SERVICE = "lane {lane} has no {service}"
    LANE_NOT_READY = "lane {lane} has no ready instance of {service}"
    MESH_NOT_READY = "the mesh has no ready instance of {service}"
    CALLER_OF_LANE = "the workload that calls is of lane {lane}"
    CALLER_WITHOUT_HEADER = (
        "the workload that calls is of lane {lane}, and its call has no {header}"
    )
    GIVEN_BY_WEIGHT = "the request names no lane and is given one by weight: {weights}"
    RULE_CHOOSES_BY_WEIGHT = "the rule chooses by weight: {weights}"
    GIVEN_NONE = "it is given none, so it is the baseline's"
    ENTERS_BY_RULE = "by the enter rule {rule} of lane {own} the request enters lane {lane}"
    NOT_CHOSEN_TO_ENTER = (
        "by the enter rule {rule} of lane {own} the request is not chosen to enter it"
    )
    GATEWAY_SETS_HEADER = "the request has no {header}; the gateway sets it"
    SIDECAR_SETS_HEADER = "the request has no {header}; the sidecar sets it"
    HEADER_IS_MALFORMED = "{header} is malformed; the gateway sets it"
    TRACE_WITHOUT_LANE = "the sidecar remembers {header} {trace} without a lane"
    TRACE_IN_LANE = "the sidecar remembers {header} {trace} in lane {lane}"
    BAGGAGE_NAMES_LANE = "the baggage member {member} names lane {lane}"
    REWRITES_PATH = "the rule rewrites the path to {path}"
    REWRITES_HOST = "the rule rewrites the host to {host}"
    SETS_REQUEST_HEADER = "the rule sets the request header {header}: {value}"
    ADDS_REQUEST_HEADER = "the rule adds the request header {header}: {value}"
    REMOVES_REQUEST_HEADER = "the rule removes the request header {header}"
    SETS_RESPONSE_HEADER = "the rule sets the response header {header}: {value}"
    ADDS_RESPONSE_HEADER = "the rule adds the response header {header}: {value}"
    REMOVES_RESPONSE_HEADER = "the rule removes the response header {header}"
    TIMES_OUT = "the rule answers 504 after {seconds} s"
    RETRIES = "the rule lets the lane that answers try up to {attempts} more times on {conditions}"
    RETRIES_WITHIN = (
        "the rule lets the lane that answers try up to {attempts} more times of {seconds} s each "
        "on {conditions}"
    )
    PAST_SIDECAR = (
        "a port of this machine leads to {workload} past the caller's sidecar: no lane is set"
    )

    @property
    def code(self) -> str:
        return self.name.lower().replace("_", " ")


def reason(why: Why, phrase: Phrase, **arguments: object) -> Reason:
    texts = {name: str(value) for name, value in arguments.items()}
    return Reason(why, phrase.value.format(**texts), phrase.code, texts)
