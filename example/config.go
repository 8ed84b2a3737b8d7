package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/smtpmailer"
	"example.com/mailkey/captcha"
)

// pageClient is the client id of the page at /.
const pageClient = "web"

// config is what the flags say, checked.
type config struct {
	host, port     string // to listen on
	database       string
	secretFile     string
	issuer         string // empty: http://host:port
	clients        []auth.Client
	captchas       []captcha.Engine
	registration   auth.Registration
	trustedProxies []netip.Prefix
	mailer         *smtpmailer.Mailer
	devMail        bool // mails are shown and not sent: mailer only writes them
}

// parseConfig reads flags and environment. It returns every mistake at once,
// or flag.ErrHelp after it wrote the help.
func parseConfig(args []string, env func(string) string, help io.Writer) (config, error) {
	fs := flag.NewFlagSet("example", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	addr := fs.String("addr", "127.0.0.1:8080", "`host:port` to listen on; port 0 takes a free one")
	database := fs.String("database", "mailkey.db", "SQLite `file`, created when it does not exist")
	secretFile := fs.String("secret-file", "", "`file` with the secret, created when it does not exist (default <database>.secret)")
	issuer := fs.String("issuer", "", "`URL` at which browsers see this server (default http://<addr>)")
	client := fs.String("client", "example", "comma-separated `ids` of the apps that may log people in, besides the page's own "+pageClient)
	kinds := fs.String("captcha", "digits", "comma-separated `kinds` of captcha, the default one first: digits, pow")
	registration := fs.String("registration", "open", "`mode`: open, or closed, where an unknown address does not become a user")
	proxies := fs.String("trusted-proxies", "", "comma-separated `prefixes` or addresses of proxies whose X-Forwarded-For is believed")
	smtp := fs.String("smtp", "", "`URL` of the mail relay, smtp://user:password@host:587 (better in MAILKEY_SMTP: others can read flags).\n"+
		"Without it mails appear in the terminal and at /dev/mail")
	from := fs.String("from", "mailkey <login@localhost>", "`sender` of the mails")

	if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
		fs.SetOutput(help)
		fmt.Fprintln(help, "Each flag can also be given as a variable: -trusted-proxies is MAILKEY_TRUSTED_PROXIES. The flag wins.")
		fs.PrintDefaults()
		return config{}, err
	} else if err != nil {
		return config{}, fmt.Errorf("%w (-h lists the flags)", err)
	}
	readEnvironment(fs, env)

	var cfg config
	var errs []error
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

	if cfg.database = *database; cfg.database == "" {
		wrong("-database must name a file")
	}
	cfg.secretFile = cmp.Or(*secretFile, cfg.database+".secret")
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
func readEnvironment(fs *flag.FlagSet, env func(string) string) {
	given := make(map[string]bool)
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	fs.VisitAll(func(f *flag.Flag) {
		name := "MAILKEY_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if value := env(name); value != "" && !given[f.Name] {
			_ = f.Value.Set(value) // all are strings: cannot fail
		}
	})
}

// checkIssuer returns the host. auth.New checks the URL again, more closely.
func checkIssuer(issuer string) (host string, err error) {
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "":
		return "", fmt.Errorf("%q is not of the form https://host or https://host:port (the example serves at the root)", issuer)
	case u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname())):
		return "", fmt.Errorf("%q is not https, and its host is not loopback", issuer)
	}
	return u.Hostname(), nil
}

var clientID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// parseClients adds header clients to the page's cookie client.
func parseClients(ids string) ([]auth.Client, error) {
	clients := []auth.Client{{ID: pageClient, Cookie: true}}
	for _, id := range list(ids) {
		switch {
		case !clientID.MatchString(id):
			return nil, fmt.Errorf("%q is not 1 to 64 letters, digits, '-' and '_'", id)
		case id == pageClient:
			return nil, fmt.Errorf("%q is the page's own id", id)
		case slices.Contains(clients, auth.Client{ID: id}):
			return nil, fmt.Errorf("%q is there twice", id)
		}
		clients = append(clients, auth.Client{ID: id})
	}
	return clients, nil
}

func parseCaptchas(kinds string) ([]captcha.Engine, error) {
	known := []captcha.Engine{captcha.Digits(), captcha.ProofOfWork(0)}
	var engines []captcha.Engine
	for _, kind := range list(kinds) {
		i := slices.IndexFunc(known, func(e captcha.Engine) bool { return e.Kind() == kind })
		if i < 0 {
			return nil, fmt.Errorf("there is no kind %q: the kinds are %s", kind, kindsOf(known))
		}
		if slices.Contains(engines, known[i]) {
			return nil, fmt.Errorf("%q is there twice", kind)
		}
		engines = append(engines, known[i])
	}
	if len(engines) == 0 {
		return nil, fmt.Errorf("names no kind: the kinds are %s", kindsOf(known))
	}
	return engines, nil
}

func kindsOf(engines []captcha.Engine) string {
	var kinds []string
	for _, e := range engines {
		kinds = append(kinds, e.Kind())
	}
	return strings.Join(kinds, ", ")
}

func parsePrefixes(s string) ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	for _, item := range list(s) {
		prefix, err := netip.ParsePrefix(item)
		if err != nil {
			addr, err := netip.ParseAddr(item)
			if err != nil {
				return nil, fmt.Errorf("%q is neither an address nor a prefix such as 10.0.0.0/8", item)
			}
			prefix = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen())
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes, nil
}

// list splits at commas.
func list(s string) []string {
	items := strings.Split(s, ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return slices.DeleteFunc(items, func(item string) bool { return item == "" })
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
