DELETE FROM challenges WHERE address = ?
