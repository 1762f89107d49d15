"""Questions about trials with looks: their bounds and calendar, and what a board saw of one."""
