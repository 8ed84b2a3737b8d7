DELETE FROM devices WHERE address = ?
