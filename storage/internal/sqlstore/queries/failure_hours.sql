SELECT hour, CAST(sum(n) AS BIGINT) AS n FROM failure_hours WHERE hour > ? AND hour <= ? GROUP BY hour
