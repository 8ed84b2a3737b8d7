UPDATE addresses SET state = ?, seen_at = coalesce(CAST(? AS BIGINT), seen_at) WHERE key = ?
