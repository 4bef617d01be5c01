"""The board: the ward at a glance in a browser, and the page where an alert is acknowledged."""
