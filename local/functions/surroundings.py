"""The environment variables of a function: Lambda's and its own, none of the machine's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# As the developer guide lists them for a Python runtime ("Defined runtime environment variables"). There is no HOME
# and no USER. Left out: what leads to the runtime's API, and library paths of its image.
LAMBDA: Final = {
    "AWS_EXECUTION_ENV": "AWS_Lambda_{runtime}",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "{memory}",
    "AWS_LAMBDA_FUNCTION_NAME": "{name}",
    "AWS_LAMBDA_FUNCTION_VERSION": "{version}",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "AWS_LAMBDA_LOG_GROUP_NAME": "{log_group}",
    "LAMBDA_RUNTIME_DIR": "{modules}",
    "LAMBDA_TASK_ROOT": "{code}",
    "LANG": "en_US.UTF-8",
    "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    "TZ": ":UTC",
    "_HANDLER": "{handler}",
}
# Of the server's own: where its requests go, whose they are, and that nothing leads to the user's AWS configuration.
PASSED_ON: Final = (
    "AWS_ACCESS_KEY_ID",
    "AWS_CONFIG_FILE",
    "AWS_DEFAULT_REGION",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SHARED_CREDENTIALS_FILE",
)


def variables(
    config: Mapping[str, Any], offered: Mapping[str, str], server: Mapping[str, str], *, code: str, modules: str
) -> dict[str, str]:
    """The variables of a function with this configuration (as in GetFunctionConfiguration).

    `offered` is what it would get otherwise: the `server`'s variables, and what was added for this function.
    """
    values = {
        "runtime": config["Runtime"],
        "memory": config["MemorySize"],
        "name": config["FunctionName"],
        "version": config.get("Version", "$LATEST"),
        "log_group": (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}",
        "handler": config["Handler"],
        "code": code,
        "modules": modules,
    }
    own = config.get("Environment", {}).get("Variables", {})
    return {
        **{name: value for name, value in offered.items() if name in own or name in PASSED_ON or name not in server},
        **{name: text.format_map(values) for name, text in LAMBDA.items()},
    }
