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
// wait for each other, which would tell them from guesses at something. It is
// the first byte, which a binding shares with its address: those who meet at one
// decoy are those who meet at the other, and where failures are counted.

// decoyOf returns the key of the decoy for an address or a binding.
func decoyOf(key []byte) []byte {
	return []byte{firstOf(key)}
}

// failureShards are the rows that the failures of an hour are counted in, so
// that those who guess at the same time do not wait for each other.
const failureShards = 16

func shardOf(address []byte) byte { return firstOf(address) % failureShards }

func firstOf(key []byte) byte {
	if len(key) == 0 {
		return 0
	}
	return key[0]
}
