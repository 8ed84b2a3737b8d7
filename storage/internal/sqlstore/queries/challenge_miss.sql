-- Adding 0, to one that is dead, takes as long as adding 1: SQLite writes no row that is what it was.
UPDATE challenges SET guesses = guesses + ?, all_guesses = all_guesses + 1 WHERE binding = ?
