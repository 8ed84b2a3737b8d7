package sqlstore

// Whether a guess is made at a live code, a dead one or none, of an address
// that is remembered or not, cannot be told from how long it takes: each is the
// same statements, which take the same steps on as many rows. A challenge that
// is dead is read and written like one that is alive. Where there is no row,
// they get a decoy. The migrations make decoys of addresses and of challenges,
// under keys of one byte, which are never anybody's. Nothing is counted there
// that anybody looks at, and sweeping leaves them alone.
//
// There is one for each value of a byte, so that guesses at nothing hardly ever
// wait for each other, which would tell them from guesses at something.

// decoyOf returns the key of the decoy for an address or a binding.
func decoyOf(key []byte) []byte {
	if len(key) == 0 {
		return []byte{0}
	}
	return key[len(key)-1:]
}
