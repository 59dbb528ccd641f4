"""Where data lives on each platform, under which names, and what lies where in an instance directory."""

from chatkeep.instances.layout import Layout, create, make_private_directory, open_private, others_may_read
from chatkeep.instances.names import APP_ID, checked_app_id, cleaned_name, development, qa_channel
from chatkeep.instances.paths import (
    Platform,
    config_directory,
    current_platform,
    data_directory,
    home_directory,
    instance_directory,
)

__all__ = [
    "APP_ID",
    "Layout",
    "Platform",
    "checked_app_id",
    "cleaned_name",
    "config_directory",
    "create",
    "current_platform",
    "data_directory",
    "development",
    "home_directory",
    "instance_directory",
    "make_private_directory",
    "open_private",
    "others_may_read",
    "qa_channel",
]
