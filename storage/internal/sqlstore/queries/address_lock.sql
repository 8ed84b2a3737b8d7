-- Reads what is remembered of an address, for changing it; of a decoy, if there is nothing. See address_guess.sql.
SELECT key, state FROM addresses
 WHERE key = (SELECT coalesce(a.key, /*sqlite*/ d.key, /**/ decoy.key)
                FROM (SELECT ? /*postgres ::bytea*/ AS key) AS decoy
                LEFT JOIN addresses a ON a.key = ?
                /*sqlite*/ LEFT JOIN addresses d ON d.key = decoy.key /**/)
/*postgres FOR UPDATE*/
