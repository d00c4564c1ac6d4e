"""The suite's options and grid come from its plugin, also in a checkout that is not installed."""

pytest_plugins = ["conformance.plugin"]
