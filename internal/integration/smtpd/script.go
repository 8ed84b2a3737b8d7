package smtpd

import "time"

// Stage is a point of the conversation at which an [Action] can be taken: the
// greeting, any command by its verb, or the dot that ends a mail.
type Stage string

const (
	Greeting Stage = "greeting" // before the first line of the server
	EHLO     Stage = "EHLO"
	STARTTLS Stage = "STARTTLS"
	AUTH     Stage = "AUTH"
	MAIL     Stage = "MAIL"
	RCPT     Stage = "RCPT"
	DATA     Stage = "DATA" // the command, before the text
	Dot      Stage = "."    // the end of the text
	RSET     Stage = "RSET"
	QUIT     Stage = "QUIT"
)

// Stages are those of one mail, in order.
var Stages = []Stage{Greeting, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, Dot}

// Action is what the server does at a stage instead of its duty.
type Action struct {
	kind  kind
	code  int
	text  string
	pause time.Duration
}

type kind int

const (
	pass kind = iota
	reply
	cut
	lose
	hang
	drip
	wait
)

// Pass does what the client asks.
func Pass() Action { return Action{} }

// Reply answers with a code and a text, and does not do what the client asks.
// Several lines are separated by "\n".
func Reply(code int, text string) Action { return Action{kind: reply, code: code, text: text} }

// Cut closes the connection instead of doing anything.
func Cut() Action { return Action{kind: cut} }

// Lose does what the client asks and closes the connection instead of
// answering. At STARTTLS it answers, and closes the connection in the
// handshake.
func Lose() Action { return Action{kind: lose} }

// Hang says nothing, and keeps the connection open until the client closes it.
func Hang() Action { return Action{kind: hang} }

// Drip does what the client asks, but from here on pauses before each byte.
func Drip(pause time.Duration) Action { return Action{kind: drip, pause: pause} }

// Wait does what the client asks after a pause.
func Wait(pause time.Duration) Action { return Action{kind: wait, pause: pause} }

// On queues actions for the next times that any client reaches the stage.
// Pass lets one go.
func (s *Server) On(stage Stage, actions ...Action) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queued[stage] = append(s.queued[stage], actions...)
}

// Always sets what happens at the stage when nothing is queued.
func (s *Server) Always(stage Stage, action Action) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.always[stage] = action
}

// Reached is closed once a client has got to the stage.
func (s *Server) Reached(stage Stage) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.arrival(stage)
}

// arrival is Reached with the lock held.
func (s *Server) arrival(stage Stage) chan struct{} {
	if s.reached[stage] == nil {
		s.reached[stage] = make(chan struct{})
	}
	return s.reached[stage]
}

// next takes the action for a client that has reached the stage.
func (s *Server) next(stage Stage) Action {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.arrival(stage):
	default:
		close(s.arrival(stage))
	}
	if q := s.queued[stage]; len(q) > 0 {
		s.queued[stage] = q[1:]
		return q[0]
	}
	return s.always[stage]
}
