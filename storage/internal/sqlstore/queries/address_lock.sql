-- Reads what is remembered of an address, for changing it; of a decoy, if there is nothing. See address_guess.sql.
SELECT key, state FROM addresses
 WHERE key = (SELECT coalesce(a.key, /*postgres (SELECT key FROM addresses WHERE key = d.key),*/ d.key)
                FROM addresses d LEFT JOIN addresses a ON a.key = ? WHERE d.key = ?)
/*postgres FOR UPDATE*/
