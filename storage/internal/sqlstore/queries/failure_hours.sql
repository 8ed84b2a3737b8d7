SELECT hour, n FROM failure_hours WHERE hour > ? AND hour <= ?
