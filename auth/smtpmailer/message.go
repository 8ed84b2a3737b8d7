package smtpmailer

import (
	"bytes"
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"example.com/mailkey/auth"
)

// What auth hands over was checked there. These are checked once more because
// they end up in SMTP commands and headers, where one space or line break is a
// second recipient.
var (
	mailbox   = regexp.MustCompile(`^[\w#$&'*+/=?^\x60{|}~-]+(\.[\w#$&'*+/=?^\x60{|}~-]+)*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$`)
	code      = regexp.MustCompile(`^[A-Za-z0-9]{4,32}$`)
	messageID = regexp.MustCompile(`^[\w.+=-]{1,128}@[\w.:-]{1,253}$`)
	hostname  = regexp.MustCompile(`^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$`)
)

func isMailbox(addr string) bool {
	return len(addr) <= 254 && strings.IndexByte(addr, '@') <= 64 && mailbox.MatchString(addr)
}

func domainOf(addr string) string { return addr[strings.IndexByte(addr, '@')+1:] }

func parseFrom(from string) (*mail.Address, error) {
	if from == "" {
		return nil, errors.New(`smtpmailer: From is required, like "Example <login@app.example>"`)
	}
	addr, err := mail.ParseAddress(from)
	if err != nil || !isMailbox(addr.Address) {
		return nil, fmt.Errorf(`smtpmailer: From must be "Name <address>" or a bare address, in ASCII: %q`, from)
	}
	return addr, nil
}

func check(c auth.CodeMail, now time.Time) error {
	switch {
	case !isMailbox(c.To):
		return fmt.Errorf("%w: the recipient is not a plain ASCII address", auth.ErrMailRejected)
	case !code.MatchString(c.Code):
		return errors.New("the Code is not made of 4 to 32 letters and digits")
	case !messageID.MatchString(c.MessageID):
		return errors.New("the MessageID is not of the form left@right")
	case !c.ExpiresAt.After(now):
		return errors.New("the Code has expired")
	}
	return nil
}

func (m *Mailer) compose(c auth.CodeMail, now time.Time) ([]byte, error) {
	body, err := pick(m.templates, c.Language).render(Data{
		Code:    c.Code,
		Product: c.Product,
		Host:    c.Host,
		Minutes: max(1, int(c.ExpiresAt.Sub(now).Round(time.Minute)/time.Minute)),
	})
	if err != nil {
		return nil, err
	}

	// The library's defaults for Message-ID, Date and User-Agent tell the
	// machine's name, its time zone and our dependencies.
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(m.from)
	msg.ToMailAddress(&mail.Address{Address: c.To})
	msg.SetMessageIDWithValue(c.MessageID)
	msg.SetDateWithValue(now.UTC())
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office replies
	msg.Subject(body.subject)
	msg.SetBodyString(gomail.TypeTextPlain, bindToOrigin(body.text, c))
	msg.AddAlternativeString(gomail.TypeTextHTML, body.html)

	var raw bytes.Buffer
	_, err = msg.WriteTo(&raw)
	return raw.Bytes(), err
}

// bindToOrigin makes "@host #code" the last line, from which phones offer the
// code on that host and nowhere else:
// https://wicg.github.io/sms-one-time-codes/#format
//
// A host that is not a plain name, like one with a port, has no such form.
func bindToOrigin(text string, c auth.CodeMail) string {
	text = strings.TrimRight(text, " \r\n")
	if !hostname.MatchString(c.Host) {
		return text
	}
	return text + "\n\n@" + c.Host + " #" + c.Code
}
