"""mmconsole: a terminal trading console for making markets on sports and prediction exchanges."""
