package server

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/smtpmailer"
	"example.com/mailkey/captcha"
)

// pageClient is the client id of the login page.
const pageClient = "web"

// config is what the flags say, checked.
type config struct {
	host, port     string // to listen on
	kind           Database
	database       string
	secretFile     string
	makeSecret     bool   // when there is no such file
	issuer         string // empty: http://host:port
	insecureCookie bool
	clients        []auth.Client
	captchas       []captcha.Engine
	registration   auth.Registration
	trustedProxies []netip.Prefix
	mailer         *smtpmailer.Mailer
	devMail        bool // mails are shown and not sent: mailer only writes them
	drain          time.Duration
}

// parseConfig reads flags and environment. It returns every mistake at once,
// or flag.ErrHelp after it wrote the help.
func parseConfig(args []string, env func(string) string, help io.Writer, others []Database) (config, error) {
	fs := flag.NewFlagSet("example", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	addr := fs.String("addr", "127.0.0.1:8080", "`host:port` to listen on; port 0 takes a free one")
	database := fs.String("database", "mailkey.db", "SQLite `file`, created when it does not exist")
	secretFile := fs.String("secret-file", "", "`file` with the secret (default <database>.secret beside a SQLite file, where it is made when there is none)")
	issuer := fs.String("issuer", "", "`URL` at which browsers see this server (default http://<addr>)")
	insecureCookie := fs.Bool("insecure-cookie", false, "log people in with a browser that refuses Secure cookies of http://<addr>, as Safari does")
	client := fs.String("client", "example", "comma-separated `ids` of the apps that may log people in, besides the page's own "+pageClient)
	kinds := fs.String("captcha", "digits", "comma-separated `kinds` of captcha, the default one first: digits, slider, pow")
	registration := fs.String("registration", "open", "`mode`: open, or closed, where an unknown address does not become a user")
	proxies := fs.String("trusted-proxies", "", "comma-separated `prefixes` or addresses of proxies whose X-Forwarded-For is believed")
	smtp := fs.String("smtp", "", "`URL` of the mail relay, smtp://user:password@host:587 (better in MAILKEY_SMTP: others can read flags).\n"+
		"Without it mails appear in the terminal and at /dev/mail")
	from := fs.String("from", "mailkey <login@localhost>", "`sender` of the mails")
	drain := fs.Duration("drain", 0, "`time` to serve on after SIGTERM while /healthz answers 503, for a load balancer that asks there; at most "+maxDrain.String())
	for _, d := range others {
		d.Flags(fs)
	}

	if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
		fs.SetOutput(help)
		fmt.Fprintln(help, "Each flag can also be given as a variable: -trusted-proxies is MAILKEY_TRUSTED_PROXIES. The flag wins.")
		fs.PrintDefaults()
		return config{}, err
	} else if err != nil {
		return config{}, fmt.Errorf("%w (-h lists the flags)", err)
	}

	var cfg config
	errs := readEnvironment(fs, env)
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if fs.NArg() > 0 {
		wrong("%q is not a flag (-h lists them)", fs.Arg(0))
	}

	var err error
	cfg.host, cfg.port, err = net.SplitHostPort(*addr)
	_, portErr := strconv.ParseUint(cfg.port, 10, 16)
	local := isLoopback(cfg.host)
	if err != nil || portErr != nil {
		wrong("-addr: %q is not host:port", *addr)
		local = true // say nothing else about it
	}
	if cfg.issuer = *issuer; cfg.issuer == "" && !local {
		wrong("-issuer is required when -addr is not loopback: the https URL at which browsers see this server")
	} else if cfg.issuer != "" {
		var host string
		if host, err = checkIssuer(cfg.issuer); err != nil {
			wrong("-issuer: %w", err)
		}
		local = local && isLoopback(host)
	}
	if cfg.devMail = *smtp == ""; cfg.devMail && !local {
		wrong("-smtp is required when -addr or -issuer is not loopback: without it, whoever can reach /dev/mail can log in as anybody")
	}
	if cfg.mailer, err = smtpmailer.New(smtpmailer.Config{URL: cmp.Or(*smtp, "smtp://localhost"), From: *from}); err != nil {
		wrong("%w", err)
	}

	cfg.insecureCookie = *insecureCookie // auth.New refuses it where it matters

	cfg.database = *database
	if cfg.kind, err = kindOf(cfg.database, others); err != nil {
		wrong("%w", err)
	}
	// Instances that share a database share a secret, which none of them may
	// make: the next one would make another.
	_, cfg.makeSecret = cfg.kind.(sqliteFile)
	if cfg.secretFile = *secretFile; cfg.secretFile == "" && cfg.makeSecret {
		cfg.secretFile = cfg.database + ".secret"
	} else if cfg.secretFile == "" {
		wrong("-secret-file is required with this -database: the same secret for every instance, made once with openssl rand -hex 32")
	}
	if cfg.drain = *drain; cfg.drain < 0 || cfg.drain > maxDrain {
		wrong("-drain: %v is not between 0s and %v", cfg.drain, maxDrain)
	}
	if cfg.clients, err = parseClients(*client); err != nil {
		wrong("-client: %w", err)
	}
	if cfg.captchas, err = parseCaptchas(*kinds); err != nil {
		wrong("-captcha: %w", err)
	}
	switch *registration {
	case "open":
		cfg.registration = auth.RegistrationOpen
	case "closed":
		cfg.registration = auth.RegistrationClosed
	default:
		wrong("-registration: %q is neither open nor closed", *registration)
	}
	if cfg.trustedProxies, err = parsePrefixes(*proxies); err != nil {
		wrong("-trusted-proxies: %w", err)
	}
	return cfg, errors.Join(errs...)
}

// readEnvironment sets the flags that were not given. An empty variable is
// none.
func readEnvironment(fs *flag.FlagSet, env func(string) string) (errs []error) {
	given := make(map[string]bool)
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	fs.VisitAll(func(f *flag.Flag) {
		name := "MAILKEY_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if value := env(name); value != "" && !given[f.Name] {
			if err := f.Value.Set(value); err != nil {
				errs = append(errs, fmt.Errorf("%s: invalid value %q: %w", name, value, err))
			}
		}
	})
	return errs
}
