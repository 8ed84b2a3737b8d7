package auth

import (
	"context"
	"log/slog"
	"maps"
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/captcha"
	"example.com/mailkey/storage"
	"example.com/mailkey/storage/memory"
)

type noMailer struct{}

func (noMailer) SendCode(context.Context, CodeMail) error { return nil }

// leastConfig is what is required.
func leastConfig() Config {
	return Config{
		Store:   memory.New(),
		Mailer:  noMailer{},
		Secret:  Secret("correct horse battery staple 0123456789"),
		Issuer:  "https://app.example",
		Clients: []Client{{ID: "app"}},
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	least := leastConfig()
	got, err := least.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	want := least
	want.ProductName = "app.example"
	want.SigningAlgorithm = RS256
	want.IDTokenLifetime = 5 * time.Minute
	want.SessionLifetime = 432_000 * time.Second
	want.KeyRotation = 30 * 24 * time.Hour
	want.MaxSessions = 10
	want.DefaultLanguage = "en"
	want.Logger = slog.Default()
	want.Limits = Limits{
		Captcha:        Rate{30, time.Minute},
		VerifyCaptcha:  Rate{20, time.Minute},
		WrongCaptcha:   Rate{10, 10 * time.Minute},
		SendCode:       Rate{10, 10 * time.Minute},
		SendCodeLong:   Rate{60, time.Hour},
		Login:          Rate{30, 5 * time.Minute},
		SendCodeDevice: Rate{10, time.Hour},
		LoginDevice:    Rate{30, 5 * time.Minute},
		Refresh:        Rate{60, 5 * time.Minute},
		Address: storage.AddressLimits{
			Cooldown: time.Minute, PerHour: 5, PerDay: 10, StrangersPerHour: 3, StrangersPerDay: 6,
			GuessesPerCode: 5, Level1After: 50, Level2After: 4050,
			StrangerGuessesPerDay: 25, FirstWait: 30 * time.Second, LastWait: time.Hour,
		},
		MaxPendingMails: 1000,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if least.Limits != (Limits{}) || least.ProductName != "" {
		t.Error("the caller's configuration was changed")
	}
	if codeLifetime != 10*time.Minute || ticketLifetime != 2*time.Minute || requestDeadline != 5*time.Second || maxBody != 8192 || hookTimeout != 2*time.Second {
		t.Error("a constant of the contract was changed")
	}

	a, err := New(least)
	if err != nil {
		t.Fatal(err)
	}
	if kinds := a.captcha.Kinds(); len(kinds) != 1 || kinds[0] != "digits" {
		t.Errorf("captchas by default: %v", kinds)
	}
}

// What is configured is not replaced by a default.
func TestConfiguredValuesStay(t *testing.T) {
	t.Parallel()
	want := leastConfig()
	want.ProductName = "Acme"
	want.SigningAlgorithm = EdDSA
	want.IDTokenLifetime = time.Hour
	want.SessionLifetime = 30 * 24 * time.Hour
	want.IdleTimeout = 5 * time.Minute
	want.RotateSessionToken = true
	want.KeyRotation = 3 * 24 * time.Hour
	want.MaxSessions = 1
	want.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	want.DefaultLanguage = "zh"
	want.Logger = slog.New(slog.DiscardHandler)
	want.Limits.complete(func(format string, args ...any) { t.Errorf(format, args...) })
	want.Limits.Captcha = Rate{1, 24 * time.Hour}
	want.Limits.Address.PerHour, want.Limits.Address.PerDay = 1, 2
	want.Limits.Address.StrangersPerHour, want.Limits.Address.StrangersPerDay = 1, 1
	got, err := want.withDefaults()
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\ngot  %+v\nwant %+v", err, got, want)
	}
}

// The reserve for devices that are known stays within what there is in all.
func TestStrangersGetNoMoreThanAll(t *testing.T) {
	t.Parallel()
	config := leastConfig()
	config.Limits.Address.PerHour, config.Limits.Address.PerDay = 2, 4
	got, err := config.withDefaults()
	if a := got.Limits.Address; err != nil || a.StrangersPerHour != 2 || a.StrangersPerDay != 4 {
		t.Errorf("%v: strangers may have %d in an hour and %d in a day", err, a.StrangersPerHour, a.StrangersPerDay)
	}
}

// notPlain is the sentence about an issuer, as it is quoted.
func notPlain(issuer string) string {
	return `Issuer: "` + issuer + `" is not a plain URL of scheme, host in lower case, and perhaps a path without a slash at its end`
}

func notProxy(prefix string) string {
	return "TrustedProxies: " + prefix + " is not a prefix such as 10.0.0.0/8 or fd00::/8"
}

// mistakes has one row for each sentence that New refuses a configuration with.
var mistakes = []struct {
	name   string
	change func(*Config)
	want   string
}{
	{"no store", func(c *Config) { c.Store = nil }, "Store: required"},
	{"no mailer", func(c *Config) { c.Mailer = nil }, "Mailer: required"},
	{"no secret", func(c *Config) { c.Secret = nil }, "Secret: has 0 bytes, fewer than 32: make one with openssl rand -hex 32"},
	{"a short secret", func(c *Config) { c.Secret = c.Secret[:31] }, "Secret: has 31 bytes, fewer than 32: make one with openssl rand -hex 32"},
	{
		"a secret that is not random", func(c *Config) { c.Secret = Secret(strings.Repeat("changeme", 8)) },
		"Secret: is not random: make one with openssl rand -hex 32",
	},
	{
		"a short previous secret", func(c *Config) { c.PreviousSecrets = []Secret{c.Secret[1:], c.Secret[:5]} },
		"PreviousSecrets[1]: has 5 bytes, fewer than 32: make one with openssl rand -hex 32",
	},
	{"no issuer", func(c *Config) { c.Issuer = "" }, "Issuer: required: the URL of the mounted handler, for example https://app.example"},
	{"an issuer that is a host", func(c *Config) { c.Issuer = "app.example" }, notPlain("app.example")},
	{"an issuer without host", func(c *Config) { c.Issuer = "https:///auth" }, notPlain("https:///auth")},
	{"an issuer with a query", func(c *Config) { c.Issuer += "?a=b" }, notPlain("https://app.example?a=b")},
	{"an issuer with an empty query", func(c *Config) { c.Issuer += "?" }, notPlain("https://app.example?")},
	{"an issuer with a fragment", func(c *Config) { c.Issuer += "#a" }, notPlain("https://app.example#a")},
	{
		"an issuer with a user", func(c *Config) { c.Issuer = "https://a:b@app.example" },
		notPlain("https://a:b@app.example"),
	},
	{"an issuer with a line end", func(c *Config) { c.Issuer += "\n" }, notPlain(`https://app.example\n`)},
	{"an issuer with a slash", func(c *Config) { c.Issuer += "/" }, notPlain("https://app.example/")},
	{"an issuer with a slash behind its path", func(c *Config) { c.Issuer += "/auth/" }, notPlain("https://app.example/auth/")},
	{"an issuer with an escaped path", func(c *Config) { c.Issuer += "/%61" }, notPlain("https://app.example/%61")},
	{"an issuer with a path beyond ASCII", func(c *Config) { c.Issuer += "/ä" }, notPlain("https://app.example/ä")},
	{"an issuer with an empty fragment", func(c *Config) { c.Issuer += "#" }, notPlain("https://app.example#")},
	{"an issuer with a port and no host", func(c *Config) { c.Issuer = "https://:443" }, notPlain("https://:443")},
	{"an issuer with an empty port", func(c *Config) { c.Issuer += ":" }, notPlain("https://app.example:")},
	{"an issuer with a port that is a name", func(c *Config) { c.Issuer += ":https" }, notPlain("https://app.example:https")},
	{"an issuer with port 0", func(c *Config) { c.Issuer += ":0" }, notPlain("https://app.example:0")},
	{"an issuer with a port of six digits", func(c *Config) { c.Issuer += ":100000" }, notPlain("https://app.example:100000")},
	{"an issuer with a scheme in capitals", func(c *Config) { c.Issuer = "HTTPS://app.example" }, notPlain("HTTPS://app.example")},
	{"an issuer with a host in capitals", func(c *Config) { c.Issuer = "https://App.example" }, notPlain("https://App.example")},
	{"an issuer that is markup", func(c *Config) { c.Issuer = "https://<script>" }, notPlain("https://<script>")},
	{"an issuer with a host beyond ASCII", func(c *Config) { c.Issuer = "https://äpp.example" }, notPlain("https://äpp.example")},
	{"an issuer with a host of full width", func(c *Config) { c.Issuer = "https://ａpp.example" }, notPlain("https://ａpp.example")},
	{"an issuer with a quote", func(c *Config) { c.Issuer = `https://app.example"` }, notPlain(`https://app.example\"`)},
	{"an issuer with an escaped host", func(c *Config) { c.Issuer = "https://%61pp.example" }, notPlain("https://%61pp.example")},
	{"an issuer with a backslash", func(c *Config) { c.Issuer = `https://app.example\auth` }, notPlain(`https://app.example\\auth`)},
	{"an issuer with a space", func(c *Config) { c.Issuer = " " + c.Issuer }, notPlain(" https://app.example")},
	{"an issuer that climbs", func(c *Config) { c.Issuer += "/.." }, notPlain("https://app.example/..")},
	{"an issuer that climbs in the middle", func(c *Config) { c.Issuer += "/a/../b" }, notPlain("https://app.example/a/../b")},
	{"an issuer that stays", func(c *Config) { c.Issuer += "/a/." }, notPlain("https://app.example/a/.")},
	{"an issuer with two slashes", func(c *Config) { c.Issuer += "/a//b" }, notPlain("https://app.example/a//b")},
	{"an issuer with two slashes at once", func(c *Config) { c.Issuer += "//a" }, notPlain("https://app.example//a")},
	{"an issuer that is opaque", func(c *Config) { c.Issuer = "https:app.example" }, notPlain("https:app.example")},
	{"an http issuer", func(c *Config) { c.Issuer = "http://app.example" }, `Issuer: "http://app.example" is not https, and its host is not loopback`},
	{
		"an http issuer that sounds like loopback", func(c *Config) { c.Issuer = "http://localhost.app.example" },
		`Issuer: "http://localhost.app.example" is not https, and its host is not loopback`,
	},
	{"an ftp issuer", func(c *Config) { c.Issuer, c.InsecureIssuer = "ftp://app.example", true }, `Issuer: "ftp://app.example" is not https, and its host is not loopback`},
	{"an insecure cookie", func(c *Config) { c.InsecureCookie = true }, `InsecureCookie: "https://app.example" is not http on a loopback address`},
	{"no client", func(c *Config) { c.Clients = nil }, "Clients: at least one is required"},
	{"a client without id", func(c *Config) { c.Clients = append(c.Clients, Client{}) }, `Clients[1]: the id "" is not 1 to 64 letters, digits, '-' and '_'`},
	{
		"a client like a path", func(c *Config) { c.Clients = append(c.Clients, Client{ID: "../app"}) },
		`Clients[1]: the id "../app" is not 1 to 64 letters, digits, '-' and '_'`,
	},
	{"a client with a line end", func(c *Config) { c.Clients[0].ID = "app\n" }, `Clients[0]: the id "app\n" is not 1 to 64 letters, digits, '-' and '_'`},
	{
		"a client that is too long", func(c *Config) { c.Clients[0].ID = strings.Repeat("a", 65) },
		`Clients[0]: the id "` + strings.Repeat("a", 65) + `" is not 1 to 64 letters, digits, '-' and '_'`,
	},
	{"a client twice", func(c *Config) { c.Clients = append(c.Clients, Client{ID: "app", Cookie: true}) }, `Clients[1]: the id "app" is there twice`},
	{
		"an origin of a cookie client", func(c *Config) {
			c.Clients[0] = Client{ID: "app", Cookie: true, Origins: []string{"https://spa.example"}}
		},
		"Clients[0]: Origins: a cookie client cannot be used from other origins",
	},
	{
		"an origin that is the issuer's", func(c *Config) { c.Clients[0].Origins = []string{"https://spa.example", "https://app.example"} },
		`Clients[0]: Origins: "https://app.example" is the Issuer's own, whose pages may use every client`,
	},
	{"a proxy that is none", func(c *Config) { c.TrustedProxies = make([]netip.Prefix, 1) }, notProxy("invalid Prefix")},
	{
		"a proxy of too many bits", func(c *Config) {
			c.TrustedProxies = []netip.Prefix{netip.PrefixFrom(netip.MustParseAddr("10.0.0.1"), 33)}
		},
		notProxy("invalid Prefix"),
	},
	{
		"a proxy of IPv4 as IPv6", func(c *Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("::ffff:10.0.0.0/104")} },
		notProxy("::ffff:10.0.0.0/104"),
	},
	{"a key for two days", func(c *Config) { c.KeyRotation = 48 * time.Hour }, "KeyRotation: 48h0m0s is not between 72h0m0s and 87600h0m0s"},
	{"a key forever", func(c *Config) { c.KeyRotation = math.MaxInt64 }, "KeyRotation: 2562047h47m16.854775807s is not between 72h0m0s and 87600h0m0s"},
	{"a key of the past", func(c *Config) { c.KeyRotation = -1 }, "KeyRotation: -1ns is not between 72h0m0s and 87600h0m0s"},
	{"idle at once", func(c *Config) { c.IdleTimeout = 5*time.Minute - 1 }, "IdleTimeout: 4m59.999999999s is not between 5m0s and 120h0m0s"},
	{"never idle", func(c *Config) { c.IdleTimeout = 121 * time.Hour }, "IdleTimeout: 121h0m0s is not between 5m0s and 120h0m0s"},
	{"idle before", func(c *Config) { c.IdleTimeout = -1 }, "IdleTimeout: -1ns is not between 5m0s and 120h0m0s"},
	{
		"a rate that overflows", func(c *Config) { c.Limits.Login = Rate{1 << 60, time.Hour} },
		"Limits.Login: 1152921504606846976 in 1h0m0s is not a rate of at least 1 and at most 100 a second",
	},
	{
		"a rate that overflows to what looks right", func(c *Config) { c.Limits.Login = Rate{math.MaxInt / 5, math.MaxInt64} },
		"Limits.Login: 1844674407370955161 in 2562047h47m16.854775807s is not a rate of at least 1 and at most 100 a second",
	},
	{
		"a rate of more than a million", func(c *Config) { c.Limits.Login = Rate{1_000_001, math.MaxInt64} },
		"Limits.Login: 1000001 in 2562047h47m16.854775807s is not a rate of at least 1 and at most 100 a second",
	},
	{"HS256", func(c *Config) { c.SigningAlgorithm = "HS256" }, `SigningAlgorithm: "HS256" is not RS256, ES256 or EdDSA`},
	{"no signature", func(c *Config) { c.SigningAlgorithm = "none" }, `SigningAlgorithm: "none" is not RS256, ES256 or EdDSA`},
	{"a mode of registration", func(c *Config) { c.Registration = 2 }, "Registration: 2 is neither RegistrationOpen nor RegistrationClosed"},
	{"a long id_token", func(c *Config) { c.IDTokenLifetime = time.Hour + 1 }, "IDTokenLifetime: 1h0m0.000000001s is not between 1s and 1h0m0s"},
	{"a short id_token", func(c *Config) { c.IDTokenLifetime = time.Second - 1 }, "IDTokenLifetime: 999.999999ms is not between 1s and 1h0m0s"},
	{"a negative id_token", func(c *Config) { c.IDTokenLifetime = -time.Minute }, "IDTokenLifetime: -1m0s is not between 1s and 1h0m0s"},
	{"a long session", func(c *Config) { c.SessionLifetime = 721 * time.Hour }, "SessionLifetime: 721h0m0s is not between 1m0s and 720h0m0s"},
	{"a short session", func(c *Config) { c.SessionLifetime = time.Second }, "SessionLifetime: 1s is not between 1m0s and 720h0m0s"},
	{"many sessions", func(c *Config) { c.MaxSessions = 1001 }, "MaxSessions: 1001 is not between 1 and 1000"},
	{"fewer than no sessions", func(c *Config) { c.MaxSessions = -1 }, "MaxSessions: -1 is not between 1 and 1000"},
	{
		"a rate without a time", func(c *Config) { c.Limits.Captcha.Count = 1 },
		"Limits.Captcha: 1 in 0s is not a rate of at least 1 and at most 100 a second",
	},
	{
		"a rate of nothing", func(c *Config) { c.Limits.Login.Per = time.Minute },
		"Limits.Login: 0 in 1m0s is not a rate of at least 1 and at most 100 a second",
	},
	{
		"a negative rate", func(c *Config) { c.Limits.SendCode = Rate{-1, time.Minute} },
		"Limits.SendCode: -1 in 1m0s is not a rate of at least 1 and at most 100 a second",
	},
	{
		"a rate in the past", func(c *Config) { c.Limits.WrongCaptcha = Rate{1, -time.Minute} },
		"Limits.WrongCaptcha: 1 in -1m0s is not a rate of at least 1 and at most 100 a second",
	},
	{
		"a rate that is too fast", func(c *Config) { c.Limits.LoginDevice = Rate{101, time.Second} },
		"Limits.LoginDevice: 101 in 1s is not a rate of at least 1 and at most 100 a second",
	},
	{"more than five guesses", func(c *Config) { c.Limits.Address.GuessesPerCode = 6 }, "Limits.Address.GuessesPerCode: 6 is not between 1 and 5"},
	{"short codes for long", func(c *Config) { c.Limits.Address.Level1After = 51 }, "Limits.Address.Level1After: 51 is not between 1 and 50"},
	{"levels the wrong way round", func(c *Config) { c.Limits.Address.Level2After = 49 }, "Limits.Address.Level2After: 49 is not between 50 and 4050"},
	{"no cooldown", func(c *Config) { c.Limits.Address.Cooldown = time.Millisecond }, "Limits.Address.Cooldown: 1ms is not between 1s and 1h0m0s"},
	{"more for strangers than in all", func(c *Config) { c.Limits.Address.StrangersPerHour = 6 }, "Limits.Address.StrangersPerHour: 6 is not between 1 and 5"},
	{"more for strangers in a day", func(c *Config) { c.Limits.Address.StrangersPerDay = 11 }, "Limits.Address.StrangersPerDay: 11 is not between 1 and 10"},
	{"a wait that shrinks", func(c *Config) { c.Limits.Address.LastWait = time.Second }, "Limits.Address.LastWait: 1s is not between 30s and 24h0m0s"},
	{"no first wait", func(c *Config) { c.Limits.Address.FirstWait = -1 }, "Limits.Address.FirstWait: -1ns is not between 1s and 1h0m0s"},
	{"many guesses of strangers", func(c *Config) { c.Limits.Address.StrangerGuessesPerDay = 1001 }, "Limits.Address.StrangerGuessesPerDay: 1001 is not between 1 and 1000"},
	{"a negative outbox", func(c *Config) { c.Limits.MaxPendingMails = math.MinInt }, "Limits.MaxPendingMails: -9223372036854775808 is not between 1 and 1000000"},
	{"a language that there is no text in", func(c *Config) { c.DefaultLanguage = "fr" }, `DefaultLanguage: there are no messages in "fr"`},
	{"a language that is none", func(c *Config) {
		c.Messages = map[string]map[Reason]string{"no language": allMessages()}
	}, `Messages: "no language" is no BCP 47 language tag`},
	{"a text that is missing", func(c *Config) {
		c.Messages = map[string]map[Reason]string{"fr": allMessages()}
		delete(c.Messages["fr"], ReasonNotSent)
	}, "Messages: fr has no text for IDAAS.SDK.CAPTCHA.0006"},
	{"a text that is empty", func(c *Config) {
		c.Messages = map[string]map[Reason]string{"en": allMessages()}
		c.Messages["en"][ReasonCode] = ""
	}, "Messages: en has no text for IDAAS.SDK.CAPTCHA.0007"},
	{"a captcha that is none", func(c *Config) { c.Captchas = []captcha.Engine{nil} }, "captcha: Engines[0] is nil"},
	{"a captcha twice", func(c *Config) { c.Captchas = []captcha.Engine{captcha.Digits(), captcha.Digits()} }, `captcha: Engines[1]: kind "digits" is empty or there twice`},
}

// allMessages has a text for every reason.
func allMessages() map[Reason]string {
	texts := make(map[Reason]string)
	for r := range statuses {
		texts[r] = "text of " + string(r)
	}
	return texts
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	for _, row := range mistakes {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			config := leastConfig()
			row.change(&config)
			a, err := New(config)
			if err == nil || err.Error() != "auth: "+row.want || a != nil {
				t.Errorf("got  %v, %v\nwant auth: %s", a != nil, err, row.want)
			}
		})
	}
}

// Every mistake of the configuration is told at once, and the store is not
// touched.
func TestEveryMistakeAtOnce(t *testing.T) {
	t.Parallel()
	store := memory.New()
	config := Config{
		Store: store, Secret: Secret("x"), PreviousSecrets: []Secret{nil}, Issuer: "http://app.example", Clients: []Client{{ID: "a b"}, {ID: "a b"}},
		SigningAlgorithm: "HS256", Registration: -1, IDTokenLifetime: -1, SessionLifetime: -1, MaxSessions: -1,
		KeyRotation: -1, IdleTimeout: -1, TrustedProxies: make([]netip.Prefix, 1), DefaultLanguage: "tlh",
		Messages: map[string]map[Reason]string{"fr": nil}, Captchas: []captcha.Engine{nil},
	}
	config.Clients = append(config.Clients, Client{ID: "c", Origins: []string{"*"}}, Client{ID: "d", Cookie: true, Origins: []string{"https://d.example"}})
	config.Limits.Login.Count = -1
	config.Limits.Address.GuessesPerCode = 100
	config.Limits.MaxPendingMails = -1
	all := []string{
		"Mailer:", "Secret:", "PreviousSecrets[0]:", "Issuer:", "Clients[0]: the id", "Clients[1]: the id", `"a b" is there twice`,
		"Clients[2]: Origins:", "Clients[3]: Origins:", "TrustedProxies:", "SigningAlgorithm:", "Registration:", "IDTokenLifetime:",
		"SessionLifetime:", "KeyRotation:", "IdleTimeout:", "MaxSessions:", "Limits.Login:", "Limits.Address.GuessesPerCode:",
		"Limits.MaxPendingMails:",
	}
	for _, wants := range [][]string{
		append(all, "DefaultLanguage:", "captcha: Engines[0]"),
		append(all, "DefaultLanguage:", "Store:"), // without one, captchas are not looked at
		append(all, "Messages: fr", "Store:"),
	} {
		config.Store, config.DefaultLanguage = store, "tlh"
		if slices.Contains(wants, "Store:") {
			config.Store = nil
		}
		if slices.Contains(wants, "Messages: fr") {
			config.DefaultLanguage = "en"
		}
		_, err := New(config)
		if err == nil {
			t.Fatal("it was accepted")
		}
		for _, want := range wants {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("nothing of %s in %v", want, err)
			}
		}
	}
	if sealed, version, _ := store.LoadKeys(t.Context()); len(sealed) > 0 || version != 0 {
		t.Error("keys were made all the same")
	}
	config = Config{}
	if _, err := New(config); err == nil || strings.Count(err.Error(), "\n") != 4 {
		t.Errorf("an empty configuration lacks five things: %v", err)
	}
}

// What looks unusual and is right.
func TestAcceptedConfigs(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"a path":                  func(c *Config) { c.Issuer += "/auth/v2" },
		"a port":                  func(c *Config) { c.Issuer += ":8443" },
		"http on localhost":       func(c *Config) { c.Issuer = "http://localhost:8080" },
		"http on 127.0.0.1":       func(c *Config) { c.Issuer = "http://127.0.0.1:8080/auth" },
		"http on 127.1.2.3":       func(c *Config) { c.Issuer = "http://127.1.2.3" },
		"http on ::1":             func(c *Config) { c.Issuer = "http://[::1]:8080" },
		"http by decision":        func(c *Config) { c.Issuer, c.InsecureIssuer = "http://app.example", true },
		"a client of 64 letters":  func(c *Config) { c.Clients[0].ID = strings.Repeat("a", 64) },
		"each character of an id": func(c *Config) { c.Clients[0].ID = "Az09-_" },
		"the shortest lives":      func(c *Config) { c.IDTokenLifetime, c.SessionLifetime = time.Second, time.Minute },
		"the fastest rate":        func(c *Config) { c.Limits.Login = Rate{100, time.Second} },
		"the slowest rate":        func(c *Config) { c.Limits.Login = Rate{1, math.MaxInt64} },
		"the largest rate":        func(c *Config) { c.Limits.Login = Rate{1_000_000, math.MaxInt64} },
		"idle for long":           func(c *Config) { c.IdleTimeout, c.SessionLifetime = 720*time.Hour, 720*time.Hour },
		"idle soon":               func(c *Config) { c.IdleTimeout = 5 * time.Minute },
		"keys that change often":  func(c *Config) { c.KeyRotation = 72 * time.Hour },
		"an origin":               func(c *Config) { c.Clients[0].Origins = []string{"https://spa.example", "http://localhost:3000"} },
		"an IPv6 issuer":          func(c *Config) { c.Issuer = "https://[2001:db8::1]:8443/auth" },
		"the secret listed twice": func(c *Config) { c.PreviousSecrets = []Secret{c.Secret, c.Secret} },
		"a language of the host":  func(c *Config) { c.Messages = map[string]map[Reason]string{"pt-BR": allMessages()} },
		"another English":         func(c *Config) { c.Messages = map[string]map[Reason]string{"en": allMessages()} },
		"a default of the host": func(c *Config) {
			c.Messages = map[string]map[Reason]string{"fr": allMessages()}
			c.DefaultLanguage = "fr"
		},
		"everybody is a proxy":        func(c *Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")} },
		"several captchas":            func(c *Config) { c.Captchas = []captcha.Engine{captcha.ProofOfWork(0), captcha.Digits()} },
		"a secret that was replaced":  func(c *Config) { c.PreviousSecrets = []Secret{Secret(randomBytes(32))} },
		"mail after an hour at least": func(c *Config) { c.Limits.Address.Cooldown = time.Hour },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := leastConfig()
			config.SigningAlgorithm = ES256
			change(&config)
			messages := maps.Clone(config.Messages)
			if _, err := New(config); err != nil {
				t.Error(err)
			}
			if len(messages) != len(config.Messages) {
				t.Error("the caller's messages were changed")
			}
		})
	}
}
