package smtpd

import (
	"crypto/subtle"
	"io"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// session is go-smtp's view of one client.
type session struct {
	server *Server
	conn   *conn
	user   string // after AUTH
	from   string
	to     []string
}

func (s *Server) newSession(c *smtp.Conn) (smtp.Session, error) {
	return &session{server: s, conn: c.Conn().(*conn)}, nil
}

func (s *session) AuthMechanisms() []string {
	config := s.server.config
	if config.User == "" || s.conn.offersTLS() {
		return nil
	}
	if config.Mechanisms == nil {
		return []string{sasl.Plain}
	}
	return config.Mechanisms
}

func (s *session) Auth(mechanism string) (sasl.Server, error) {
	if s.conn.offersTLS() {
		return nil, &smtp.SMTPError{Code: 538, EnhancedCode: smtp.EnhancedCode{5, 7, 11}, Message: "Encryption required"}
	}
	check := func(user, password string) error {
		config := s.server.config
		if subtle.ConstantTimeCompare([]byte(user+"\x00"+password), []byte(config.User+"\x00"+config.Password)) == 0 {
			return smtp.ErrAuthFailed
		}
		s.user = user
		return nil
	}
	switch mechanism {
	case sasl.Plain:
		return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
	case sasl.Login:
		return &loginServer{check: check}, nil
	}
	return nil, smtp.ErrAuthUnknownMechanism
}

// loginServer speaks AUTH LOGIN, of which go-sasl has the client's half only.
type loginServer struct {
	check func(user, password string) error
	step  int
	user  string
}

func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	l.step++
	switch l.step {
	case 1:
		return []byte("Username:"), false, nil
	case 2:
		l.user = string(response)
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(l.user, string(response))
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.server.config.User != "" && s.user == "" {
		return smtp.ErrAuthRequired
	}
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if refusal := s.conn.refusal; refusal != nil {
		s.conn.refusal = nil
		return refusal
	}
	s.server.accept(Message{From: s.from, To: s.to, Raw: raw, TLS: s.conn.encrypted, User: s.user})
	return nil
}

func (s *session) Reset()        { s.from, s.to = "", nil }
func (s *session) Logout() error { return nil }
