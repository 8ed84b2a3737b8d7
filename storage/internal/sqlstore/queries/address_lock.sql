-- Reads what is remembered of an address, for changing it; of a decoy, if there is nothing. See address_guess.sql.
SELECT key, state FROM addresses
 WHERE key = (SELECT coalesce(a.key, /*postgres (SELECT key FROM addresses WHERE key = d.key),*/ d.key)
                FROM (SELECT 1) AS one
                LEFT JOIN addresses a ON a.key = ?
                LEFT JOIN addresses d ON d.key = ?)
/*postgres FOR UPDATE*/
