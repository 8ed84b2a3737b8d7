package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"example.com/mailkey/captcha"
	"example.com/mailkey/storage"
)

// Config is what [New] needs. Store, Mailer, Secret, Issuer and Clients are
// required; the zero value of each other field is a safe default.
type Config struct {
	// Store keeps everything: storage/sqlite, storage/postgres, or your own.
	// Required.
	Store storage.Store

	// Mailer delivers the codes: auth/smtpmailer, or your own. Required.
	Mailer Mailer

	// Secret is what codes are derived from and what the stored keys are sealed
	// under. Required: at least 32 random bytes, the same on every instance.
	Secret Secret

	// Issuer is the URL of the mounted handler as clients see it, without a
	// slash at the end: https://app.example, or https://app.example/auth when
	// it is mounted under /auth. Required: https, but for loopback addresses.
	Issuer string

	// Clients are the applications that may log people in. Required.
	Clients []Client

	// PreviousSecrets are secrets that Secret replaced. What was made with them
	// stays valid. To change the secret of several instances, first list the
	// new one here on all of them, then make it Secret and list the old one;
	// drop the old one a day later. Default: none.
	PreviousSecrets []Secret

	// ProductName is what mails and the page call the product. Default: the host
	// of Issuer.
	ProductName string

	// Captchas are the enabled kinds of captcha, the first being what clients get
	// that ask for none. Clients that know only the slider of the API family ask
	// for none, so captcha.Slider must be first for them, and never alone: it has
	// no sound, and who cannot see it needs captcha.Digits or
	// captcha.ProofOfWork. Default: captcha.Digits() alone.
	Captchas []captcha.Engine

	// Registration says who may log in with an address that has no user yet.
	// With RegistrationClosed those who are users already, and no call makes one:
	// to invite people, leave it open and answer in AllowRegistration. Default:
	// RegistrationOpen, everybody.
	Registration Registration

	// AllowRegistration is asked about each address that has no user yet, after
	// its code proved right. False answers like a closed registration; an error
	// refuses the login for now. It has 2 seconds, as the other functions here.
	// Default: none, Registration decides.
	AllowRegistration func(ctx context.Context, email, clientID string) (bool, error)

	// OnFirstLogin is called before a new user is created. An error refuses the
	// login as one of OnLogin does. It may be called again for the same UserID,
	// when the login failed after it, so it should be idempotent; it is not
	// called for a second UserID of the same address, unless the first user was
	// deleted or left the address by ChangeEmail: whoever has the mailbox then
	// need not be the same person. Default: none.
	OnFirstLogin func(ctx context.Context, id Identity) error

	// OnLogin is called before every login, first ones included (after
	// OnFirstLogin). An error that wraps [ErrLoginRefused] refuses this login for
	// good, as if the user were disabled; any other refuses it for now: nothing
	// was granted, and the code still works. Default: none.
	OnLogin func(ctx context.Context, id Identity) error

	// ExtraClaims returns claims to add to an id_token. The names that mailkey
	// sets itself are refused. Default: none.
	ExtraClaims func(ctx context.Context, id Identity) (map[string]any, error)

	// SigningAlgorithm is what id_tokens are signed with: RS256, ES256 or EdDSA.
	// Default: RS256, which clients of the API family assume.
	SigningAlgorithm string

	// IDTokenLifetime is how long an id_token is valid. Default: 5 minutes (1
	// second to 1 hour).
	IDTokenLifetime time.Duration

	// SessionLifetime is how long a session lives, used or not. Default: 5
	// days (1 minute to 30 days).
	SessionLifetime time.Duration

	// IdleTimeout ends a session that was not used for so long, to the minute.
	// Default: none (5 minutes to SessionLifetime).
	IdleTimeout time.Duration

	// RotateSessionToken gives a header client a new session_token with each
	// refresh of its id_token; the old one dies. A client that tries the refresh
	// again within half a minute, because it did not see the answer, gets the same
	// new one. Default: false.
	RotateSessionToken bool

	// SessionStore keeps the sessions in any store of scs, such as one on Redis,
	// instead of in Store. That still keeps all the rest, and says which sessions
	// have ended: a request asks both. Such a store cannot find sessions by user:
	// the sessions of a user cannot be listed or revoked, only the user disabled,
	// nor can they be limited in number, end when they are idle or change their
	// token. Sessions that it loses are over. Give its client short timeouts,
	// since requests wait for it. Default: none, Store keeps them.
	SessionStore scs.Store

	// KeyRotation is how often the signing key changes. Default: 30 days (3 days
	// to 10 years).
	KeyRotation time.Duration

	// MaxSessions is how many sessions a user may have at one client at a time;
	// a new one ends the oldest. Default: 10 (1 to 1000).
	MaxSessions int

	// DefaultLanguage is the language of answers and mails when a client asks for
	// none that there is. Default: en.
	DefaultLanguage string

	// Messages adds languages to en and zh, by BCP 47 tag: a text for every
	// Reason. The mailer needs templates for them, too. Default: none.
	Messages map[string]map[Reason]string

	// TrustedProxies are the addresses of reverse proxies whose
	// X-Forwarded-For is believed. Default: none, the address of the connection
	// counts.
	TrustedProxies []netip.Prefix

	// Limits bound what one peer, device or address may do. Default: those of
	// Limits, field by field.
	Limits Limits

	// Logger gets one line for each login, refused or not, and for each fault.
	// No address, code or token is logged. Requests wait for it: where lines
	// may have to wait, as on a pipe that nobody reads, its Handler has to drop
	// them. Default: slog.Default.
	Logger *slog.Logger

	// InsecureIssuer allows an http Issuer that is not a loopback address: whoever
	// is on the way reads codes and sessions. New logs a warning where that is
	// what it is for. Default: false.
	InsecureIssuer bool

	// InsecureCookie leaves Secure and the __Host- prefix away from the cookie
	// of cookie clients, for trying things out in a browser that takes neither
	// over http, not even from its own machine. Refused unless Issuer is http
	// and a loopback address. Default: false.
	InsecureCookie bool
}

// Client is an application that may log people in: the X-client-id of the
// wire, and the aud of its id_tokens.
type Client struct {
	// ID is what the client calls itself: 1 to 64 letters, digits, '-' and '_'.
	// Required.
	ID string

	// Cookie makes it a cookie client: a page of the host, which gets the
	// session as a cookie that scripts cannot read, and to which cross-origin
	// requests are refused. Others are header clients: they get the
	// session_token in the answer and send it back in a header. Default: false.
	Cookie bool

	// Origins are the web origins, such as https://spa.example, whose pages may
	// use this header client from a browser. A cookie client can have none.
	// Default: none.
	Origins []string
}

// Registration says who may log in with an address that has no user yet.
type Registration int

// Registration modes.
const (
	RegistrationOpen   Registration = iota // everybody, unless Config.AllowRegistration objects
	RegistrationClosed                     // nobody
)

// ErrLoginRefused, wrapped by an error of [Config.OnLogin], refuses a login for
// good.
var ErrLoginRefused = errors.New("login refused")

const (
	codeLifetime    = 10 * time.Minute // the most that NIST SP 800-63B-4, 3.1.3.2, and ASVS 5.0, 6.5.5, allow
	ticketLifetime  = 2 * time.Minute
	requestDeadline = 5 * time.Second
	maxBody         = 8 << 10
)

// idGrammar is what ids of clients are, and of sessions.
var idGrammar = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// withDefaults fills in what was left out and says everything that is wrong.
func (cfg Config) withDefaults() (Config, error) {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if cfg.Store == nil {
		wrong("Store: required")
	}
	if cfg.Mailer == nil {
		wrong("Mailer: required")
	}
	if err := cfg.Secret.check(); err != nil {
		wrong("Secret: %w", err)
	}
	for i, s := range cfg.PreviousSecrets {
		if err := s.check(); err != nil {
			wrong("PreviousSecrets[%d]: %w", i, err)
		}
	}

	issuer, err := parseIssuer(cfg.Issuer, cfg.InsecureIssuer)
	if err != nil {
		wrong("Issuer: %w", err)
	} else {
		cfg.ProductName = cmp.Or(cfg.ProductName, issuer.Hostname())
		if cfg.InsecureCookie && (issuer.Scheme != "http" || !isLoopback(issuer.Hostname())) {
			wrong("InsecureCookie: %q is not http on a loopback address", cfg.Issuer)
		}
	}

	if len(cfg.Clients) == 0 {
		wrong("Clients: at least one is required")
	}
	seen := make(map[string]bool)
	for i, c := range cfg.Clients {
		if !idGrammar.MatchString(c.ID) {
			wrong("Clients[%d]: the id %q is not 1 to 64 letters, digits, '-' and '_'", i, c.ID)
		}
		if seen[c.ID] {
			wrong("Clients[%d]: the id %q is there twice", i, c.ID)
		}
		seen[c.ID] = true
		for _, o := range c.Origins {
			if err := c.checkOrigin(o, issuer); err != nil {
				wrong("Clients[%d]: Origins: %w", i, err)
			}
		}
	}

	for _, p := range cfg.TrustedProxies {
		if !p.IsValid() || p.Addr().Is4In6() {
			wrong("TrustedProxies: %v is not a prefix such as 10.0.0.0/8 or fd00::/8", p)
		}
	}
	if cfg.SigningAlgorithm == "" {
		cfg.SigningAlgorithm = RS256
	}
	if !slices.Contains([]string{RS256, ES256, EdDSA}, cfg.SigningAlgorithm) {
		wrong("SigningAlgorithm: %q is not RS256, ES256 or EdDSA", cfg.SigningAlgorithm)
	}
	if cfg.Registration != RegistrationOpen && cfg.Registration != RegistrationClosed {
		wrong("Registration: %d is neither RegistrationOpen nor RegistrationClosed", cfg.Registration)
	}
	bounded(&cfg.IDTokenLifetime, 5*time.Minute, time.Second, time.Hour, "IDTokenLifetime", wrong)
	bounded(&cfg.SessionLifetime, 5*24*time.Hour, time.Minute, 30*24*time.Hour, "SessionLifetime", wrong)
	if cfg.SessionStore != nil && (cfg.IdleTimeout != 0 || cfg.RotateSessionToken) {
		wrong("SessionStore: IdleTimeout and RotateSessionToken need the sessions in Store")
	}
	bounded(&cfg.KeyRotation, 30*24*time.Hour, 3*24*time.Hour, 10*365*24*time.Hour, "KeyRotation", wrong)
	if cfg.IdleTimeout != 0 {
		bounded(&cfg.IdleTimeout, 0, 5*time.Minute, cfg.SessionLifetime, "IdleTimeout", wrong)
	}
	bounded(&cfg.MaxSessions, 10, 1, 1000, "MaxSessions", wrong)
	if cfg.DefaultLanguage == "" {
		cfg.DefaultLanguage = "en"
	}
	cfg.Limits.complete(wrong)
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return cfg, errors.Join(errs...)
}

// bounded gives a field its default or refuses a value out of bounds.
func bounded[T time.Duration | int](field *T, byDefault, least, most T, name string, wrong func(string, ...any)) {
	if *field == 0 {
		*field = byDefault
	}
	if *field < least || *field > most {
		wrong("%s: %v is not between %v and %v", name, *field, least, most)
	}
}

// hostGrammar is a host name or an address, and perhaps a port, as they come
// in a URL of ASCII.
var hostGrammar = regexp.MustCompile(`^([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:[1-9][0-9]{0,4})?$`)

func isHost(u *url.URL) bool {
	if !hostGrammar.MatchString(u.Host) || strings.Contains(u.Host, "..") {
		return false
	}
	_, err := strconv.ParseUint(cmp.Or(u.Port(), "0"), 10, 16)
	return err == nil
}

func parseIssuer(issuer string, insecure bool) (*url.URL, error) {
	if issuer == "" {
		return nil, errors.New("required: the URL of the mounted handler, for example https://app.example")
	}
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme+"://"+u.Host+u.Path != issuer || !isHost(u) || u.RawPath != "" ||
		u.Path != "" && path.Clean(u.Path) != u.Path || u.Path == "/" {
		return nil, fmt.Errorf("%q is not a plain URL of scheme, host in lower case, and perhaps a path without a slash at its end", issuer)
	}
	if isSafe(u) || u.Scheme == "http" && insecure {
		return u, nil
	}
	return nil, fmt.Errorf("%q is not https, and its host is not loopback", issuer)
}

// isSafe is true where nobody on the way can read along.
func isSafe(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname())
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
