-- Reads what is remembered of an address, for changing it; of a decoy, if there is nothing. See address_guess.sql.
SELECT key, state FROM addresses
 WHERE key = (SELECT coalesce(a.key, /*sqlite*/ d.key /**/ /*postgres ?*/)
                FROM (SELECT 1) AS one
                /*sqlite*/ LEFT JOIN addresses d ON d.key = ? /**/
                LEFT JOIN addresses a ON a.key = ?)
/*postgres FOR UPDATE*/
