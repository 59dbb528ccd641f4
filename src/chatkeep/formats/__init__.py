"""Reading and writing the formats of chat apps; see ``docs/formats``."""
