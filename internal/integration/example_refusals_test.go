package integration

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/storage/sqlite"
)

// exampleRefusals starts processes that must not come up. Each mistake is a
// sentence.
func exampleRefusals(t *testing.T, program string) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	secret := strings.Repeat("0123456789abcdef", 4) + "\n"

	for _, test := range []struct {
		name   string
		args   []string
		env    []string
		files  func(t *testing.T, dir string)
		status int
		want   []string
	}{
		{name: "help", args: []string{"-h"}, status: 0},
		{name: "unknown flag", args: []string{"-adr", ":80"}, status: 2, want: []string{"flag provided but not defined: -adr (-h lists the flags)"}},
		{name: "no flag", args: []string{"serve"}, status: 2, want: []string{`"serve" is not a flag (-h lists them)`}},
		{name: "address", args: []string{"-addr", "8080"}, status: 2, want: []string{`-addr: "8080" is not host:port`}},
		{name: "captcha", args: []string{"-captcha", "digits,sliders"}, status: 2, want: []string{`-captcha: there is no kind "sliders": the kinds are digits, slider, pow`}},
		{name: "no captcha", args: []string{"-captcha", ","}, status: 2, want: []string{"-captcha: names no kind: the kinds are digits, slider, pow"}},
		{name: "captcha twice", args: []string{"-captcha", "pow,pow"}, status: 2, want: []string{`-captcha: "pow" is there twice`}},
		{name: "client", args: []string{"-client", "my app"}, status: 2, want: []string{`-client: "my app" is not 1 to 64 letters, digits, '-' and '_'`}},
		{name: "client twice", args: []string{"-client", "a,a"}, status: 2, want: []string{`-client: "a" is there twice`}},
		{name: "client of the page", args: []string{"-client", "web"}, status: 2, want: []string{`-client: "web" is the page's own id`}},
		{name: "public address", args: []string{"-addr", ":8080"}, status: 2, want: []string{
			"-issuer is required when -addr is not loopback",
			"-smtp is required when -addr or -issuer is not loopback",
		}},
		{name: "public issuer without a relay", args: []string{"-issuer", "https://app.example"}, status: 2, want: []string{
			"-smtp is required when -addr or -issuer is not loopback",
		}},
		{name: "issuer without TLS", args: []string{"-issuer", "http://app.example", "-smtp", "smtp://localhost"}, status: 2, want: []string{
			`-issuer: "http://app.example" is not https, and its host is not loopback`,
		}},
		{name: "issuer with a path", args: []string{"-issuer", "https://app.example/auth", "-smtp", "smtp://localhost"}, status: 2, want: []string{
			`-issuer: "https://app.example/auth" is not of the form https://host`,
		}},
		{name: "insecure cookie for others", args: []string{"-insecure-cookie", "-issuer", "https://app.example", "-smtp", "smtp://localhost"}, status: 1, want: []string{
			`InsecureCookie: "https://app.example" is not http on a loopback address`,
		}},
		{name: "relay", args: []string{"-smtp", "https://user:hunter22@relay.example"}, status: 2, want: []string{"URL must start with smtp:// or smtps://"}},
		{name: "all at once", status: 2,
			args: []string{"-captcha", "maze", "-registration", "maybe", "-trusted-proxies", "10.0.0.0/8,10/8", "-from", "nobody", "-database", ""},
			env:  []string{"MAILKEY_CLIENT=web", "MAILKEY_ADDR=nowhere", "MAILKEY_CAPTCHA=the-flag-wins"},
			want: []string{
				`-captcha: there is no kind "maze"`,
				`-registration: "maybe" is neither open nor closed`,
				`-trusted-proxies: "10/8" is neither an address nor a prefix such as 10.0.0.0/8`,
				`From must be "Name <address>" or a bare address`,
				"-database must name a file",
				`-client: "web" is the page's own id`,
				`-addr: "nowhere" is not host:port`,
			}},
		{name: "another database", args: []string{"-database", "host=db user=app password=hunter22"}, status: 2, want: []string{"-database must name a file, or"}},
		{name: "port in use", args: []string{"-addr", taken.Addr().String()}, status: 1, want: []string{"address already in use"}},
		{name: "no directory", args: []string{"-database", "missing/mailkey.db"}, status: 1, want: []string{"no such file or directory"}},
		{name: "secret that others can read", status: 1, want: []string{"others can read the secret, its mode is 0644: run chmod 600 on it"},
			files: func(t *testing.T, dir string) { writeFile(t, filepath.Join(dir, "mailkey.db.secret"), secret, 0o644) }},
		{name: "short secret", args: []string{"-secret-file", "short"}, status: 1, want: []string{"short: not a secret of 64 hexadecimal digits or more"},
			files: func(t *testing.T, dir string) { writeFile(t, filepath.Join(dir, "short"), secret[:40], 0o600) }},
		{name: "secret that is none", args: []string{"-secret-file", "digits"}, status: 1, want: []string{"auth: Secret: is not random: make one with openssl rand -hex 32"},
			files: func(t *testing.T, dir string) { writeFile(t, filepath.Join(dir, "digits"), secret, 0o600) }},
		{name: "database that is a link", status: 1, want: []string{"mailkey.db is not a regular file"},
			files: func(t *testing.T, dir string) {
				if err := os.Symlink(filepath.Join(dir, "elsewhere"), filepath.Join(dir, "mailkey.db")); err != nil {
					t.Fatal(err)
				}
			}},
		{name: "database that others can read", status: 1, want: []string{"its mode is 0640: run chmod 600 on it"},
			files: func(t *testing.T, dir string) { writeFile(t, filepath.Join(dir, "mailkey.db"), "", 0o640) }},
		{name: "no database", status: 1, want: []string{"file is not a database"},
			files: func(t *testing.T, dir string) {
				writeFile(t, filepath.Join(dir, "mailkey.db"), strings.Repeat("text", 1000), 0o600)
			}},
		{name: "database of a newer version", status: 1, want: []string{
			"the database was made by a newer version of mailkey: upgrade the program, or restore a backup from before",
		}, files: newerDatabase},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			home := newExampleHome(t, program)
			if test.files != nil {
				test.files(t, home.dir)
			}
			env := test.env
			if test.status == 1 && !strings.Contains(strings.Join(test.args, " "), "-addr") {
				env = append(env, "MAILKEY_ADDR=127.0.0.1:0")
			}
			p := home.launch(t, env, test.args...)
			if got := p.Status(t, 30*time.Second); got != test.status {
				t.Errorf("exit status: got %d, want %d", got, test.status)
			}
			got := p.Stderr.String()
			for _, want := range test.want {
				if !strings.Contains(got, want) {
					t.Errorf("stderr: got\n%swant\n%s", got, want)
				}
			}
			if lines := strings.Count(got, "\n"); lines != len(test.want) || strings.Count("\n"+got, "\nmailkey: ") != lines {
				t.Errorf("stderr: got\n%swant %d lines that begin with the program's name", got, len(test.want))
			}
			if strings.Contains(got, "hunter22") {
				t.Errorf("stderr shows the password:\n%s", got)
			}
			if test.status != 0 && p.Stdout.String() != "" {
				t.Errorf("stdout: got\n%s", p.Stdout)
			}
		})
	}
}

// newerDatabase makes a database as a later version would leave it.
func newerDatabase(t *testing.T, dir string) {
	home := &exampleHome{dir: dir}
	store, err := sqlite.Open(t.Context(), home.database())
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	db := openExample(t, home)
	if _, err := db.Exec(`INSERT INTO mailkey_migrations (version) VALUES (9999)`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func writeFile(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
}
