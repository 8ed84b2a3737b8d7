-- Reads what is remembered of an address, for changing it; of a decoy, if there is nothing. Both are looked up.
SELECT key, state FROM addresses
 WHERE key = (SELECT coalesce(a.key, d.key) FROM addresses d LEFT JOIN addresses a ON a.key = ? WHERE d.key = ?)
/*postgres FOR UPDATE*/
