-- Of the address, or of a decoy. SQLite looks both up, since a page that is read takes longer. PostgreSQL looks only one
-- up: whoever comes to a page next tidies up after its last change, which takes longer still.
SELECT state, EXISTS (SELECT 1 FROM devices WHERE address = ? AND device = ?) AS known FROM addresses
 WHERE key = (SELECT coalesce(a.key, /*sqlite*/ d.key /**/ /*postgres ?*/)
                FROM (SELECT 1) AS one
                /*sqlite*/ LEFT JOIN addresses d ON d.key = ? /**/
                LEFT JOIN addresses a ON a.key = ?)
