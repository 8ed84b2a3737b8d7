INSERT INTO devices (address, device, seen_at) VALUES (?, ?, ?)
ON CONFLICT (address, device) DO UPDATE SET seen_at = excluded.seen_at
