-- Reads what is remembered of an address, for changing it, if there is anything.
SELECT state FROM addresses WHERE key = ? /*postgres FOR UPDATE*/
