INSERT INTO failure_hours (hour, n) VALUES (?, 1)
ON CONFLICT (hour) DO UPDATE SET n = failure_hours.n + 1
