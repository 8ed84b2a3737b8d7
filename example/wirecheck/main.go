// Command wirecheck holds a server against docs/wire.md: it plays the rules of
// the wire, as far as they can be seen from outside, and prints which hold.
//
//	go run ./example/wirecheck -server https://app.example -client app -address 'check+{n}@example.org'
//
// It has three codes mailed, and asks for them at the terminal, or a command:
// see -code-command. Captchas it solves itself where the server has proof of
// work; else it asks at the terminal, too. Run it with open registration, and
// at most once in ten minutes: it uses most of what the default limits allow
// one sender. It is for servers and for clients: play it against your own
// server, or read in rules_*.go what a client has to expect.
//
// The exit status is 0 when all rules hold, 1 when one does not, and 2 when the
// flags are wrong or nobody answers.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"time"
)

func main() { os.Exit(check(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// check returns the exit status.
func check(ctx context.Context, args []string, in io.Reader, out, complaints io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	person := newTerminal(in, complaints)
	cfg, err := parse(args, person)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		person.sayf("wirecheck: %v", err)
		return 2
	}
	r := newRun(ctx, cfg)
	if a := r.send(public(discoveryPath)); a.err != nil {
		person.sayf("wirecheck: nobody answers: %v", a.err)
		return 2
	}
	return report(out, play(r, rules))
}

// config is what the flags say.
type config struct {
	server, issuer string // without a slash at the end
	clientID       string
	cookieClientID string // may be empty
	addresses      string // {n} stands for something new each time
	wait           time.Duration
	codes          mailbox
	person         *terminal
}

func parse(args []string, person *terminal) (cfg config, err error) {
	fs := flag.NewFlagSet("wirecheck", flag.ContinueOnError)
	fs.SetOutput(person.out)
	fs.StringVar(&cfg.server, "server", "", "`URL` at which the handler is mounted, such as https://app.example/auth")
	fs.StringVar(&cfg.issuer, "issuer", "", "the issuer's `URL`, if the server is reached at another one")
	fs.StringVar(&cfg.clientID, "client", "", "`id` of a header client")
	fs.StringVar(&cfg.cookieClientID, "cookie-client", "", "`id` of a cookie client, if there is one")
	fs.StringVar(&cfg.addresses, "address", "", "e-mail `address` to log in with; {n} in it becomes something new for each mail.\n"+
		"Without {n} it has to wait between the mails")
	fs.DurationVar(&cfg.wait, "wait", 2*time.Minute, "the longest `time` to wait when the server says 429")
	commandLine := fs.String("code-command", "", "`command` that prints the code last mailed to {address}, or fails while there is none.\n"+
		"It is split at spaces and runs without a shell. Default: ask at the terminal")
	if err := fs.Parse(args); err != nil {
		return cfg, err
	}
	cfg.server, cfg.issuer = strings.TrimSuffix(cfg.server, "/"), strings.TrimSuffix(cfg.issuer, "/")
	if cfg.issuer == "" {
		cfg.issuer = cfg.server
	}
	cfg.person, cfg.codes = person, person
	if args := strings.Fields(*commandLine); len(args) > 0 {
		cfg.codes = &command{args: args, known: make(map[string]bool)}
	}
	u, err := url.Parse(cfg.server)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return cfg, errors.New("-server is not a URL such as https://app.example")
	case cfg.clientID == "":
		return cfg, errors.New("-client is required: the id of a header client of the server")
	case !strings.Contains(cfg.addresses, "@"):
		return cfg, errors.New("-address is required: where you can read the codes")
	case fs.NArg() > 0:
		return cfg, fmt.Errorf("%q is not a flag", fs.Arg(0))
	}
	return cfg, nil
}
