SELECT EXISTS (SELECT 1 FROM devices WHERE address = ? AND device = ?)
