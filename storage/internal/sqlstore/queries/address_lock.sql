-- Reads what is remembered of an address, for changing it; of a decoy, if there is nothing.
SELECT key, state FROM addresses
 WHERE key = coalesce((SELECT key FROM addresses WHERE key = ?), ?) /*postgres FOR UPDATE*/
