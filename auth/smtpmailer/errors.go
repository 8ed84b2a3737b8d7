package smtpmailer

import (
	"context"
	"errors"
	"fmt"
	"net/textproto"
	"os"
	"regexp"
	"strings"

	"example.com/mailkey/auth"
)

// A step is one exchange with the relay.
type step string

const (
	stepConnect  step = "connect"
	stepTLS      step = "TLS"
	stepGreeting step = "greeting"
	stepEHLO     step = "EHLO"
	stepSTARTTLS step = "STARTTLS"
	stepAUTH     step = "AUTH"
	stepMAIL     step = "MAIL"
	stepRCPT     step = "RCPT"
	stepDATA     step = "DATA"
	stepText     step = "text"
	stepFinalDot step = "final dot"
)

// ownFault are the 5xx replies that speak of how we talk to the relay, whatever
// command they answer: another mail would fare no better, and this one may be
// accepted once the configuration is right.
var ownFault = map[int]bool{
	500: true, 502: true, 503: true, 504: true, // not understood, not implemented, out of sequence
	523: true, 530: true, 538: true, // TLS or AUTH first
	534: true, 535: true, // AUTH too weak, credentials wrong
}

// failure says what the end of a step means for the mail. The error holds a
// cleaned text instead of err itself, which may quote the address and anything
// else that the relay chose to say.
func failure(ctx context.Context, at step, err error, redact func(string) string) error {
	if reply, ok := errors.AsType[*textproto.Error](err); ok && reply.Code >= 400 {
		text := ""
		if at != stepAUTH { // a password that is quoted there may be encoded
			text = redact(reply.Msg)
		}
		err = fmt.Errorf("smtpmailer: %s: the relay answers %s", at, strings.TrimSpace(fmt.Sprint(reply.Code, " ", text)))
		if reply.Code >= 500 && !ownFault[reply.Code] && rejects(at) {
			return fmt.Errorf("%w: %w", auth.ErrMailRejected, err)
		}
		if reply.Code < 500 && reply.Code != 421 && at == stepRCPT { // 421: the relay is going away
			return fmt.Errorf("%w: %w", auth.ErrMailDeferred, err)
		}
		return err
	}

	silent := errors.Is(err, os.ErrDeadlineExceeded)
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case silent:
		err = fmt.Errorf("no answer within %v", commandTimeout)
	case at == stepAUTH && !errors.Is(err, errNoAuth):
		err = errors.New("the exchange broke off")
	default:
		err = errors.New(redact(err.Error()))
	}
	err = fmt.Errorf("smtpmailer: %s: %w", at, err)
	switch {
	case at == stepFinalDot:
		return fmt.Errorf("%w: %w", auth.ErrMailUnknown, err)
	case at == stepRCPT && silent: // the relay may be asking the recipient's
		return fmt.Errorf("%w: %w", auth.ErrMailDeferred, err)
	}
	return err
}

// rejects says whether a refusal at this step is a refusal of the mail.
func rejects(at step) bool {
	switch at {
	case stepMAIL, stepRCPT, stepDATA, stepFinalDot:
		return true
	}
	return false
}

func isReply(err error) bool {
	_, ok := errors.AsType[*textproto.Error](err)
	return ok
}

const redactedLimit = 160

var unprintable = regexp.MustCompile(`[^!-~]+`)

// redactor returns the function that makes a text of the relay fit for a log:
// one short line of printable ASCII, without anything that looks like an
// address and without the code, the local part and the credentials.
func redactor(c auth.CodeMail, r *relay) func(string) string {
	local, _, _ := strings.Cut(c.To, "@")
	private := []string{`\S*@\S*`}
	for _, s := range []string{c.Code, local, r.user, r.password()} {
		if len(s) > 2 { // shorter ones tell nothing, and are in every word
			private = append(private, regexp.QuoteMeta(s))
		}
	}
	mask := regexp.MustCompile("(?i)" + strings.Join(private, "|"))
	return func(s string) string {
		s = mask.ReplaceAllString(s, "[...]")
		s = strings.TrimSpace(unprintable.ReplaceAllString(s, " "))
		return s[:min(len(s), redactedLimit)]
	}
}
