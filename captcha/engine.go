package captcha

// Engine makes puzzles of one kind and checks answers. Its methods may be
// called concurrently.
type Engine interface {
	// Kind names the engine on the wire and in the store. It is a constant.
	Kind() string

	// New makes a puzzle, and the state by which its answer is known. The
	// service keeps the state secret, also from those who read the store, and
	// returns it to Check and Audio of the same kind, in this process or in
	// another one.
	New() (state []byte, p Puzzle, err error)

	// Check reports whether the answer is right. It depends on nothing but its
	// arguments and is false for a state that New did not make and for the
	// zero answer.
	Check(state []byte, a Answer) bool
}

// AudioEngine is an engine whose puzzles can be listened to. Puzzles of other
// engines have no sound.
type AudioEngine interface {
	Engine

	// Audio returns a WAV for a state made by New, in the language (a BCP 47
	// tag) or in English.
	Audio(state []byte, lang string) ([]byte, error)
}
