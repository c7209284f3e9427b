"""Calls a service through the client that OpenAPI Generator makes for Python."""

import json
import sys

from openapi_client import ApiClient, Configuration, ProcessesApi, SystemApi, ThresholdDefinition
from openapi_client.exceptions import ApiException

url, pid = sys.argv[1:]
client = ApiClient(Configuration(host=url))
system, processes = SystemApi(client), ProcessesApi(client)


def status_of(call):
    try:
        call()
        return None
    except ApiException as error:
        return error.status


place = (pid, "fds", "python")
process = processes.get_sys_proc_pid(pid)
entries = system.get_sys_proc(limit=2)
memory = system.get_sys_limit("memory-free")
definition = ThresholdDefinition(at=100000)
created = processes.put_sys_proc_pid_limit_threshold_name(*place, definition, if_none_match="*")
again = status_of(lambda: processes.put_sys_proc_pid_limit_threshold_name(*place, definition, if_none_match="*"))
read = processes.get_sys_proc_pid_limit_threshold_name(*place)
processes.delete_sys_proc_pid_limit_threshold_name(*place)
missing = status_of(lambda: processes.get_sys_proc_pid_limit_threshold_name(*place))
print(
    json.dumps(
        {
            "process": process.name,
            "entries": len(entries.entries),
            "more": entries.next is not None,
            "capacity": memory.capacity,
            "at": created.at,
            "state": created.state,
            "again": again,
            "direction": read.direction,
            "missing": missing,
        }
    )
)
