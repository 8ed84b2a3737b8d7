DELETE FROM failure_hours WHERE hour IN (SELECT hour FROM failure_hours WHERE hour <= ? LIMIT ?)
