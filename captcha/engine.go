package captcha

import "context"

// Engine makes puzzles of one kind and checks answers. Its methods may be
// called concurrently.
type Engine interface {
	// Kind names the engine on the wire and in the store. It is a constant.
	Kind() string

	// New makes a puzzle, and the state by which its answer is known. The
	// service keeps the state secret, also from those who read the store, and
	// returns it to Check and Audio of the same kind, in this process or in
	// another one. A few are made at a time, so it does not wait for anybody.
	New() (state []byte, p Puzzle, err error)

	// Check reports whether the answer is right: never for a state that New did
	// not make, nor for the zero answer. An engine that has to ask somebody, as
	// one for a hosted captcha has, ends with ctx; an error means that nobody
	// knows. The challenge is spent in any case.
	Check(ctx context.Context, state []byte, a Answer) (right bool, err error)
}

// AudioEngine is an engine whose puzzles can be listened to. Puzzles of other
// engines have no sound.
type AudioEngine interface {
	Engine

	// Audio returns a WAV for a state made by New, in the language (a BCP 47
	// tag) or in English.
	Audio(state []byte, lang string) ([]byte, error)
}
